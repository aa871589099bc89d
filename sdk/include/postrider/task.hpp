// SPDX-License-Identifier: MIT
// Task<T>: one awaited result. Lazy, move-only, one awaiter, one thread. Dropping a task destroys
// its frame and thereby cancels what it waits for. A task can be made from a ready value, so a hook
// that never waits is an ordinary function and costs no frame. The rules are in docs/hacking.md.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace postrider {

namespace detail {

/// Frames come from size classes of a pool per thread: a hook that waits costs no malloc.
void* allocate_frame(std::size_t size);
void release_frame(void* frame, std::size_t size) noexcept;

/// What every promise has: the continuation, the exception, the pool, and the frame guard.
class PromiseBase {
 public:
  static void* operator new(std::size_t size) { return last_frame_ = allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept {
    release_frame(frame, size);
  }

  std::suspend_always initial_suspend() noexcept { return {}; }

  struct FinalAwaiter {
    bool await_ready() noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> self) noexcept {
      // The continuation may destroy this frame: nothing may follow the call.
      if (auto next = self.promise().continuation_) next.resume();
    }
    void await_resume() noexcept {}
  };
  FinalAwaiter final_suspend() noexcept { return {}; }

  void unhandled_exception() noexcept { exception_ = std::current_exception(); }
  void set_continuation(std::coroutine_handle<> next) noexcept { continuation_ = next; }

 protected:
  /// GCC 12 lays some frames out wrongly and says nothing; this catches it before any damage.
  static void check_frame(const void* frame) noexcept {
    // Nothing noted: the optimiser put the frame into the caller's and asked for no memory.
    const void* const noted = std::exchange(last_frame_, nullptr);
    if (!noted || frame == noted) return;
    std::fputs("postrider: this compiler misplaced a coroutine frame; build with clang 19\n",
               stderr);
    std::abort();
  }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  static inline thread_local void* last_frame_ = nullptr;
  std::coroutine_handle<> continuation_;
  std::exception_ptr exception_;
};

template <class T>
class Promise;

}  // namespace detail

/// [one thread] The result of a coroutine, or a ready value. co_await it once.
template <class T = void>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  /// A finished task: no frame, no allocation.
  template <class U = T>
    requires(std::is_convertible_v<U &&, T> && !std::is_same_v<std::remove_cvref_t<U>, Task>)
  Task(U&& value) : ready_(std::in_place, std::forward<U>(value)) {}  // NOLINT: implicit by design
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept
      : handle_(std::exchange(other.handle_, {})), ready_(std::move(other.ready_)) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, {});
      ready_ = std::move(other.ready_);
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { reset(); }

  /// Drop the task: cancels what it waits for.
  void reset() noexcept {
    if (auto handle = std::exchange(handle_, {})) handle.destroy();
    ready_.reset();
  }

  bool is_done() const noexcept { return !handle_ || handle_.done(); }

  /// Run until the first suspension; true if that finished it. `next` is resumed at the end.
  bool start(std::coroutine_handle<> next = {}) {
    if (is_done()) return true;
    handle_.resume();
    if (handle_.done()) return true;
    handle_.promise().set_continuation(next);
    return false;
  }

  /// The value of a finished task; throws what the coroutine threw.
  T take() {
    if (ready_) return std::move(*ready_);
    return handle_.promise().take();
  }

  bool await_ready() const noexcept { return !handle_; }
  bool await_suspend(std::coroutine_handle<> next) { return !start(next); }
  T await_resume() { return take(); }

 private:
  Handle handle_;
  std::optional<T> ready_;
};

template <>
class [[nodiscard]] Task<void> {
 public:
  using promise_type = detail::Promise<void>;
  using Handle = std::coroutine_handle<promise_type>;

  /// A finished task.
  Task() noexcept = default;
  explicit Task(Handle handle) noexcept : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      reset();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { reset(); }

  void reset() noexcept {
    if (auto handle = std::exchange(handle_, {})) handle.destroy();
  }
  bool is_done() const noexcept { return !handle_ || handle_.done(); }
  bool start(std::coroutine_handle<> next = {});
  void take();

  bool await_ready() const noexcept { return !handle_; }
  bool await_suspend(std::coroutine_handle<> next) { return !start(next); }
  void await_resume() { take(); }

 private:
  Handle handle_;
};

namespace detail {

template <class T>
class Promise : public PromiseBase {
 public:
  Task<T> get_return_object() noexcept {
    auto handle = std::coroutine_handle<Promise>::from_promise(*this);
    check_frame(handle.address());
    return Task<T>(handle);
  }
  template <class U>
    requires std::is_convertible_v<U&&, T>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

template <>
class Promise<void> : public PromiseBase {
 public:
  Task<void> get_return_object() noexcept {
    auto handle = std::coroutine_handle<Promise>::from_promise(*this);
    check_frame(handle.address());
    return Task<void>(handle);
  }
  void return_void() noexcept {}
  void take() const { rethrow(); }
};

}  // namespace detail

inline bool Task<void>::start(std::coroutine_handle<> next) {
  if (is_done()) return true;
  handle_.resume();
  if (handle_.done()) return true;
  handle_.promise().set_continuation(next);
  return false;
}

inline void Task<void>::take() {
  if (handle_) handle_.promise().take();
}

}  // namespace postrider
