// SPDX-License-Identifier: MIT
// Owns running tasks that nobody awaits: sessions, attempts. Dropping the set cancels them all.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>

#include <postrider/loop.hpp>

namespace postrider::runtime {

/// [loop thread]
class TaskSet {
 public:
  explicit TaskSet(Loop& loop);
  TaskSet(const TaskSet&) = delete;
  TaskSet& operator=(const TaskSet&) = delete;
  ~TaskSet();  ///< drops every task

  /// Start `task` now; it is destroyed after it finished, from the loop, never while it runs. An
  /// exception that leaves it is a fault of ours: it goes to the handler (default: terminate).
  void spawn(Task<void> task);
  void on_exception(std::function<void(std::exception_ptr)> handler);

  std::size_t size() const noexcept;
  bool is_empty() const noexcept { return size() == 0; }
  /// Wait until the set is empty. One waiter at a time.
  Task<void> join();
  /// Drop all now.
  void cancel_all() noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace postrider::runtime
