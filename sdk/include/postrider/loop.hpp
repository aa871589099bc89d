// SPDX-License-Identifier: MIT
// What code on an event loop may ask of it: the time, a place in the ready list, a timer. The
// production loop is libuv's; tests use one in virtual time. Everything here is [loop thread only].
#pragma once

#include <coroutine>
#include <cstddef>
#include <optional>
#include <utility>

#include <postrider/task.hpp>
#include <postrider/time.hpp>

namespace postrider {

/// A place in a loop's ready list. Callbacks never resume a coroutine inline; they put it here.
/// Destroying the node takes it off the list: this is how a dropped task is cancelled.
class ReadyNode {
 public:
  ReadyNode() = default;
  explicit ReadyNode(std::coroutine_handle<> handle) : handle_(handle) {}
  ReadyNode(const ReadyNode&) = delete;
  ReadyNode& operator=(const ReadyNode&) = delete;
  ~ReadyNode() { unlink(); }

  void set_handle(std::coroutine_handle<> handle) noexcept { handle_ = handle; }
  std::coroutine_handle<> handle() const noexcept { return handle_; }
  bool is_linked() const noexcept { return next_ != nullptr; }
  void unlink() noexcept {
    if (!next_) return;
    previous_->next_ = next_;
    next_->previous_ = previous_;
    next_ = previous_ = nullptr;
  }
  /// Put this node before `position` in a circular list whose head is a node too.
  void link_before(ReadyNode& position) noexcept {
    unlink();
    previous_ = position.previous_;
    next_ = &position;
    previous_->next_ = this;
    position.previous_ = this;
  }
  /// Make this node the head of an empty circular list.
  void make_head() noexcept { next_ = previous_ = this; }
  ReadyNode* next() const noexcept { return next_; }

 private:
  std::coroutine_handle<> handle_;
  ReadyNode* next_ = nullptr;
  ReadyNode* previous_ = nullptr;
};

class Loop;

/// One timer. Derive and say what happens; destroying it stops it.
class Timer {
 public:
  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  virtual ~Timer();
  /// Called once on the loop when due; the timer is stopped by then and may be started again.
  virtual void expired() noexcept = 0;
  bool is_running() const noexcept { return loop_ != nullptr; }

  /// The loop's own fields: where it runs, when it is due, its place in the heap.
  Loop* loop_ = nullptr;
  TimePoint due_{};
  std::size_t place_ = 0;
};

/// One event loop, as code that runs on it sees it.
class Loop {
 public:
  virtual ~Loop() = default;
  /// The monotonic time, cached once per round of the loop.
  virtual TimePoint now() const noexcept = 0;
  virtual WallTime wall_now() const noexcept = 0;
  /// Resume `node`'s coroutine after the current callback. Linking a linked node moves it.
  virtual void make_ready(ReadyNode& node) noexcept = 0;
  /// Start or restart `timer`, due `after` from now.
  virtual void start_timer(Timer& timer, Duration after) noexcept = 0;
  virtual void stop_timer(Timer& timer) noexcept = 0;
};

inline Timer::~Timer() {
  if (loop_) loop_->stop_timer(*this);
}

/// co_await sleep_for(loop, 5s): wait without blocking the loop.
class SleepAwaiter final : private Timer {
 public:
  SleepAwaiter(Loop& loop, Duration length) noexcept : on_(loop), length_(length) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    node_.set_handle(handle);
    on_.start_timer(*this, length_);
  }
  void await_resume() const noexcept {}

 private:
  void expired() noexcept override { on_.make_ready(node_); }
  Loop& on_;
  Duration length_;
  ReadyNode node_;
};
inline SleepAwaiter sleep_for(Loop& loop, Duration length) noexcept {
  return {loop, length};
}

/// co_await within(loop, limit, task): the task's result, or nothing when the limit passes first;
/// then the task is dropped, which cancels what it waits for.
template <class T>
class WithinAwaiter final : private Timer {
 public:
  WithinAwaiter(Loop& loop, Duration limit, Task<T> task) noexcept
      : on_(loop), limit_(limit), task_(std::move(task)) {}
  /// While suspended: give up now, as if the limit had passed.
  void give_up() noexcept { on_.make_ready(node_); }
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    if (task_.start(handle)) return false;
    node_.set_handle(handle);
    on_.start_timer(*this, limit_);
    return true;
  }
  auto await_resume() {
    if (is_running()) on_.stop_timer(*this);
    node_.unlink();
    const bool finished = task_.is_done();
    if constexpr (std::is_void_v<T>) {
      if (finished) task_.take();
      task_.reset();
      return finished;
    } else {
      std::optional<T> result;
      if (finished) result.emplace(task_.take());
      task_.reset();
      return result;
    }
  }

 private:
  void expired() noexcept override { on_.make_ready(node_); }
  Loop& on_;
  Duration limit_;
  Task<T> task_;
  ReadyNode node_;
};
/// For Task<void> the result is a bool: finished in time?
template <class T>
WithinAwaiter<T> within(Loop& loop, Duration limit, Task<T> task) noexcept {
  return {loop, limit, std::move(task)};
}

}  // namespace postrider
