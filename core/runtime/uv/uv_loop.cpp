// SPDX-License-Identifier: MIT
// One turn of libuv 1.x: timers, idle, prepare, poll, check, closing. Prepare drains what timers
// and close callbacks made ready, check what input, output and other threads made ready.
#include "runtime/uv/uv_loop.hpp"

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>

#include "runtime/uv/handle_owner.hpp"
#include "runtime/uv/uv_runtime.hpp"

namespace postrider::runtime {
namespace {

void require(int code) {
  if (code < 0) throw std::runtime_error(std::string("event loop: ") + uv_strerror(code));
}

void close_one(uv_handle_t* handle, void*) {
  if (auto* const owner = static_cast<HandleOwner*>(handle->data)) {
    owner->loop_closing();
  } else if (!uv_is_closing(handle)) {
    uv_close(handle, nullptr);
  }
}

/// Closes what is open and turns the loop until that is done.
void close_loop(uv_loop_t& loop) noexcept {
  uv_walk(&loop, close_one, nullptr);
  while (uv_loop_close(&loop) == UV_EBUSY) uv_run(&loop, UV_RUN_DEFAULT);
}

}  // namespace

std::unique_ptr<Runtime> make_uv_runtime() {
  std::signal(SIGPIPE, SIG_IGN);
  return std::make_unique<UvLoop>();
}

UvLoop::UvLoop() {
  require(uv_loop_init(&loop_));
  loop_.data = this;
  try {
    open_handles();
  } catch (...) {
    close_loop(loop_);
    throw;
  }
}

UvLoop::~UvLoop() {
  posted_.clear();
  close_loop(loop_);
}

void UvLoop::open_handles() {
  require(uv_prepare_init(&loop_, &prepare_));
  require(uv_check_init(&loop_, &check_));
  require(uv_idle_init(&loop_, &idle_));
  require(uv_timer_init(&loop_, &timer_));
  require(uv_async_init(&loop_, &async_, [](uv_async_t* handle) { of(handle).woken(); }));
  require(uv_prepare_start(&prepare_, [](uv_prepare_t* handle) { of(handle).before_poll(); }));
  require(uv_check_start(&check_, [](uv_check_t* handle) { of(handle).ready_.drain(); }));
}

TimePoint UvLoop::now() const noexcept {
  return TimePoint(std::chrono::milliseconds(uv_now(&loop_)));
}

TimePoint UvLoop::exact_now() const noexcept {
  return TimePoint(std::chrono::nanoseconds(uv_hrtime()));
}

WallTime UvLoop::wall_now() const noexcept {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

void UvLoop::start_timer(Timer& timer, Duration after) noexcept {
  timers_.start(timer, *this, now() + after);
}

void UvLoop::before_poll() {
  const bool drained = ready_.drain();
  set_timer();
  // An active idle handle keeps the poll from sleeping while there is more to do.
  if (drained) {
    uv_idle_stop(&idle_);
  } else {
    uv_idle_start(&idle_, [](uv_idle_t*) {});
  }
}

void UvLoop::set_timer() {
  const auto due = timers_.earliest();
  // Set too early is good enough: timeouts are mostly stopped or moved before they are due.
  if (!due || (timer_due_ && *timer_due_ <= *due)) return;
  timer_due_ = due;
  const auto after = std::chrono::ceil<std::chrono::milliseconds>(*due - now()).count();
  const auto expire = [](uv_timer_t* handle) {
    UvLoop& self = of(handle);
    self.timer_due_.reset();
    self.timers_.expire(self.now());
  };
  uv_timer_start(&timer_, expire, after > 0 ? static_cast<std::uint64_t>(after) : 0, 0);
}

void UvLoop::post(std::move_only_function<void()> work) {
  if (posted_.add(std::move(work))) uv_async_send(&async_);
}

void UvLoop::woken() {
  posted_.run();
  if (stop_asked_.exchange(false)) uv_stop(&loop_);
}

void UvLoop::run() {
  uv_run(&loop_, UV_RUN_DEFAULT);
}

void UvLoop::stop() {
  stop_asked_ = true;
  uv_async_send(&async_);
}

}  // namespace postrider::runtime
