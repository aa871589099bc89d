// SPDX-License-Identifier: MIT
// One call of a hook: started, measured, limited in time, its exception caught. Whatever a plugin
// does, co_await ends with an Ended and never throws.
#pragma once

#include <algorithm>
#include <chrono>
#include <coroutine>
#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "plugin/fault_text.hpp"
#include "plugin/instance.hpp"
#include "runtime/place.hpp"

namespace postrider::plugin {

/// How a call ended: a value, or a fault and its reason.
template <class T>
struct Ended {
  std::optional<T> value;
  Fault fault = Fault::none;
  std::string reason;
};

using StopClock = std::chrono::steady_clock;

/// The hook's ordinary part, which may answer without a frame. `call` returns its task.
template <class T, class Call>
std::optional<Task<T>> enter(Ended<T>& ended, const char* name, Call&& call) {
  const runtime::InHook here(name);
  try {
    return std::optional<Task<T>>(std::forward<Call>(call)());
  } catch (...) {
    ended.fault = Fault::threw;
    ended.reason = fault_text(std::current_exception());
    return std::nullopt;
  }
}

/// The rest of a call: co_await it once. pause() and resume() stop its clock while it waits for
/// something that is not its own doing (the inner part of a route).
template <class T>
class HookCall final : private Timer {
 public:
  /// `name` is Instance::name() of the hook.
  HookCall(Loop& loop, Duration limit, const char* name) noexcept
      : on_(loop), left_(limit), name_(name) {}
  ~HookCall() override {
    waiting_ = false;  // what dies with the task must not start the clock again
    task_.reset();
  }
  void set_task(Task<T> task) noexcept { task_.emplace(std::move(task)); }

  void pause() noexcept {
    if (paused_++ > 0 || !is_running()) return;
    left_ = std::chrono::duration_cast<Duration>(due_ - on_.now());
    on_.stop_timer(*this);
  }
  void resume() noexcept {
    if (--paused_ == 0 && waiting_) on_.start_timer(*this, left_);
  }

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    const runtime::InHook here(name_);
    const auto began = StopClock::now();
    began_at_ = on_.now();
    const bool finished = task_->start(handle);
    held_ = StopClock::now() - began;
    if (finished) return false;
    node_.set_handle(handle);
    waiting_ = true;
    if (paused_ == 0) on_.start_timer(*this, left_);
    return true;
  }
  Ended<T> await_resume() noexcept {
    waiting_ = false;
    if (is_running()) on_.stop_timer(*this);
    node_.unlink();
    total_ = std::max<std::chrono::nanoseconds>(on_.now() - began_at_, held_);
    Ended<T> ended;
    try {
      if (task_->is_done())
        ended.value.emplace(task_->take());
      else
        ended.fault = Fault::timed_out, ended.reason = "no answer in time";
    } catch (...) {
      ended.fault = Fault::threw;
      ended.reason = fault_text(std::current_exception());
    }
    task_.reset();
    return ended;
  }
  std::chrono::nanoseconds held() const noexcept { return held_; }
  std::chrono::nanoseconds total() const noexcept { return total_; }

 private:
  void expired() noexcept override { on_.make_ready(node_); }

  Loop& on_;
  Duration left_;
  const char* const name_;
  std::optional<Task<T>> task_;
  ReadyNode node_;
  int paused_ = 0;
  bool waiting_ = false;
  TimePoint began_at_{};
  std::chrono::nanoseconds held_{};
  std::chrono::nanoseconds total_{};
};

}  // namespace postrider::plugin
