// SPDX-License-Identifier: MIT
#include <algorithm>

#include <postrider/testing/manual_loop.hpp>

namespace postrider::testing {

ManualLoop::~ManualLoop() {
  for (Timer* timer : timers_) timer->loop_ = nullptr;
  while (ready_.next() != &ready_) ready_.next()->unlink();
}

WallTime ManualLoop::wall_now() const noexcept {
  const WallTime begin = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
  return begin + std::chrono::duration_cast<Duration>(now_.time_since_epoch()) -
         std::chrono::hours(1000);
}

void ManualLoop::start_timer(Timer& timer, Duration after) noexcept {
  if (timer.loop_) stop_timer(timer);
  timer.loop_ = this;
  timer.due_ = now_ + std::max(after, Duration::zero());
  timers_.push_back(&timer);
}

void ManualLoop::stop_timer(Timer& timer) noexcept {
  std::erase(timers_, &timer);
  timer.loop_ = nullptr;
}

Timer* ManualLoop::next_timer() const noexcept {
  const auto earliest = std::ranges::min_element(timers_, {}, [](Timer* t) { return t->due_; });
  return earliest == timers_.end() ? nullptr : *earliest;
}

void ManualLoop::run_ready() {
  while (ready_.next() != &ready_) {
    ReadyNode& node = *ready_.next();
    node.unlink();
    node.handle().resume();
  }
}

bool ManualLoop::step() {
  run_ready();
  Timer* const timer = next_timer();
  if (!timer) return false;
  now_ = std::max(now_, timer->due_);
  stop_timer(*timer);
  timer->expired();
  run_ready();
  return true;
}

void ManualLoop::advance(Duration length) {
  const TimePoint end = now_ + length;
  run_ready();
  for (Timer* next = next_timer(); next && next->due_ <= end; next = next_timer()) step();
  now_ = end;
}

}  // namespace postrider::testing
