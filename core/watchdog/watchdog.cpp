// SPDX-License-Identifier: MIT
// A look asks each loop to answer and sees whether it answered the last time. If the looks
// themselves came late (SIGSTOP, a machine without time), nobody is blamed for the gap.
#include "watchdog/watchdog.hpp"

#include <algorithm>
#include <utility>

#include "runtime/memory_reserve.hpp"
#include "watchdog/notify.hpp"

namespace postrider::watchdog {
namespace {

std::string text_of(Duration length) {
  return std::to_string(length.count()) + "ms";
}

Duration between(TimePoint from, TimePoint to) {
  return std::chrono::duration_cast<Duration>(to - from);
}

}  // namespace

Watchdog::Watchdog(Log& log, Limits limits, std::function<void(const std::string&)> end)
    : log_(log), limits_(limits), end_(std::move(end)) {}

void Watchdog::watch(std::string name, runtime::Runtime& loop,
                     std::function<Duration()> disk_wait) {
  const std::lock_guard guard(mutex_);
  watched_.push_back({.name = std::move(name), .loop = &loop, .disk_wait = std::move(disk_wait)});
}

void Watchdog::end_within(Duration limit) {
  const std::lock_guard guard(mutex_);
  time_left_ = std::min(limit, time_left_.value_or(limit));
}

void Watchdog::start() {
  thread_ = std::thread([this] { run(); });
}

void Watchdog::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Watchdog::run() {
  std::unique_lock guard(mutex_);
  do {
    guard.unlock();
    look(std::chrono::steady_clock::now());
    notify("WATCHDOG=1");  // if this thread stands still, systemd ends us
    guard.lock();
  } while (!wake_.wait_for(guard, limits_.interval, [this] { return stopping_; }));
}

void Watchdog::look(TimePoint now) {
  const std::lock_guard guard(mutex_);
  const Duration passed = looked_at_ ? between(*looked_at_, now) : Duration();
  looked_at_ = now;
  const Duration lost = passed > 2 * limits_.interval ? passed - limits_.interval : Duration();
  if (lost > limits_.notice)
    log_.write(LogLevel::warning, "the process did not run", {{"for", text_of(lost)}});
  for (Watched& watched : watched_) {
    watched.asked_at += lost;
    look_at(watched, now);
  }
  look_at_disk();
  look_at_memory();
  if (!time_left_) return;
  *time_left_ -= passed - lost;
  if (*time_left_ <= Duration()) end("the end takes too long");
}

void Watchdog::look_at(Watched& watched, TimePoint now) {
  Pulse& pulse = *watched.pulse;
  if (pulse.answered.load(std::memory_order_acquire) == watched.asked) {
    if (watched.stood > Duration())
      log_.write(LogLevel::warning, "a loop turns again",
                 {{"loop", watched.name}, {"stood_for", text_of(watched.stood)}});
    watched.stood = {};
    watched.asked_at = now;
    watched.loop->post([answer = watched.pulse, number = ++watched.asked, ask = watched.disk_wait] {
      if (number == 1) answer->place = runtime::share_this_place();
      answer->disk_wait.store(ask ? ask().count() : 0, std::memory_order_relaxed);
      answer->answered.store(number, std::memory_order_release);
    });
    return;
  }
  const Duration since = between(watched.asked_at, now);
  if (since < limits_.notice) return;
  const bool first = watched.stood == Duration();
  watched.stood = since;
  if (pulse.answered.load(std::memory_order_acquire) > 0)
    watched.in = runtime::place_text(*pulse.place);
  if (first)
    log_.write(LogLevel::error, "a loop stands still",
               {{"loop", watched.name},
                {"for", text_of(since)},
                {"in", watched.in.empty() ? "no plugin" : watched.in}});
  if (since >= limits_.stall)
    end("loop " + watched.name + " stands still for " + text_of(since) + " in " +
        (watched.in.empty() ? "no plugin" : watched.in));
}

void Watchdog::look_at_disk() {
  disk_wait_ = {};
  for (const Watched& watched : watched_)
    disk_wait_ = std::max(disk_wait_, Duration(watched.pulse->disk_wait.load()));
  const bool silent = disk_wait_ >= limits_.disk;
  if (silent == std::exchange(disk_is_silent_, silent)) return;
  if (silent)
    log_.write(LogLevel::error, "the disk of server.spool does not answer",
               {{"for", text_of(disk_wait_)}});
  else
    log_.write(LogLevel::warning, "the disk of server.spool answers again", {});
}

void Watchdog::look_at_memory() {
  const bool is_short = runtime::is_memory_short();
  if (is_short) runtime::restore_memory_reserve();
  if (is_short == std::exchange(memory_is_short_, is_short)) return;
  if (is_short)
    log_.write(LogLevel::error, "memory is short: sessions and mail are refused", {});
  else
    log_.write(LogLevel::warning, "there is memory again", {});
}

void Watchdog::end(const std::string& reason) {
  time_left_.reset();
  log_.write(LogLevel::error, "the watchdog ends the process", {{"reason", reason}});
  notify("STATUS=ended by the watchdog: " + reason);
  end_(reason);
}

std::vector<Standing> Watchdog::standing() const {
  const std::lock_guard guard(mutex_);
  std::vector<Standing> all;
  for (const Watched& watched : watched_)
    if (watched.stood > Duration()) all.push_back({watched.name, watched.stood, watched.in});
  return all;
}

bool Watchdog::is_standing(const std::string& loop) const {
  const std::vector<Standing> all = standing();
  return std::ranges::find(all, loop, &Standing::loop) != all.end();
}

std::optional<Duration> Watchdog::silent_disk() const {
  const std::lock_guard guard(mutex_);
  if (!disk_is_silent_) return std::nullopt;
  return disk_wait_;
}

}  // namespace postrider::watchdog
