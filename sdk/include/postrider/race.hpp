// SPDX-License-Identifier: MIT
// Tasks side by side: wait until one more of them is done, or until a time has passed. For lookups
// of several names and for connecting to several addresses.
#pragma once

#include <coroutine>
#include <cstddef>
#include <deque>
#include <optional>
#include <utility>

#include <postrider/loop.hpp>
#include <postrider/task.hpp>

namespace postrider {

/// [one thread] Owned and awaited by one coroutine, which while tasks are under way awaits nothing
/// but next(). Dropping the race drops every task.
template <class T>
class Race {
 public:
  /// Add a task; the next next() starts it. Its place is the number of tasks added before it.
  void add(Task<T> task) { runners_.emplace_back(std::move(task)); }
  /// How many tasks have not been handed out by take() yet.
  std::size_t pending() const noexcept { return runners_.size() - taken_; }

  /// A finished task's place and result, if there is one that was not taken yet.
  std::optional<std::pair<std::size_t, T>> take() {
    for (std::size_t place = 0; place < runners_.size(); ++place) {
      Runner& runner = runners_[place];
      if (!runner.started || runner.taken || !runner.task.is_done()) continue;
      runner.taken = true;
      ++taken_;
      std::pair<std::size_t, T> result(place, runner.task.take());
      runner.task.reset();
      return result;
    }
    return std::nullopt;
  }

  class Awaiter final : private Timer {
   public:
    Awaiter(Race& race, Loop* loop, Duration limit) : race_(race), on_(loop), limit_(limit) {}
    bool await_ready() const noexcept { return race_.pending() == 0 && !on_; }
    bool await_suspend(std::coroutine_handle<> handle) {
      if (race_.start_all(handle)) return false;
      node_.set_handle(handle);
      if (on_) on_->start_timer(*this, limit_);
      return true;
    }
    void await_resume() noexcept {
      if (is_running()) on_->stop_timer(*this);
      node_.unlink();
    }

   private:
    void expired() noexcept override { on_->make_ready(node_); }
    Race& race_;
    Loop* on_;
    Duration limit_;
    ReadyNode node_;
  };
  /// co_await race.next(): take() has something, unless nothing is pending.
  Awaiter next() { return Awaiter(*this, nullptr, {}); }
  /// The same, but at most for `limit`.
  Awaiter next(Loop& loop, Duration limit) { return Awaiter(*this, &loop, limit); }

 private:
  struct Runner {
    explicit Runner(Task<T> t) : task(std::move(t)) {}
    Task<T> task;
    bool started = false;
    bool taken = false;
  };
  /// True if a finished task is there to be taken. Each started task resumes `handle` at its end.
  bool start_all(std::coroutine_handle<> handle) {
    bool any = false;
    for (Runner& runner : runners_) {
      if (!runner.started) {
        runner.started = true;
        runner.task.start(handle);
      }
      any = any || (!runner.taken && runner.task.is_done());
    }
    return any;
  }

  std::deque<Runner> runners_;
  std::size_t taken_ = 0;
};

}  // namespace postrider
