// SPDX-License-Identifier: MIT
// co_await ask<T>(here, there, tasks, work): run work() as a task of another loop and get its value
// back here. The value travels; nothing else is shared. Dropping the awaiter leaves the work alone.
#pragma once

#include <coroutine>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "runtime/runtime.hpp"
#include "runtime/task_set.hpp"

namespace postrider::runtime {

template <class T>
class Ask {
 public:
  using Work = std::move_only_function<Task<T>()>;
  /// `tasks` lives on `there` and outlives the work; both loops outlive the answer.
  Ask(Runtime& here, Runtime& there, TaskSet& tasks, Work work)
      : here_(here), there_(there), tasks_(tasks), work_(std::move(work)) {}

  /// Start the work before it is awaited, so that several loops work at the same time.
  void begin() {
    begun_ = true;
    there_.post(
        [&here = here_, &tasks = tasks_, work = std::move(work_), answer = answer_]() mutable {
          tasks.spawn(run(here, std::move(work), std::move(answer)));
        });
  }
  bool await_ready() const noexcept { return answer_->value.has_value(); }
  void await_suspend(std::coroutine_handle<> handle) {
    answer_->waiting = &node_;
    node_.set_handle(handle);
    if (!begun_) begin();
  }
  T await_resume() { return std::move(*answer_->value); }
  ~Ask() { answer_->waiting = nullptr; }
  Ask(const Ask&) = delete;
  Ask& operator=(const Ask&) = delete;

 private:
  /// Touched by `here` only, but for its reference count.
  struct Answer {
    ReadyNode* waiting = nullptr;
    std::optional<T> value;
  };

  static Task<void> run(Runtime& here, Work work, std::shared_ptr<Answer> answer) {
    T value = co_await work();
    here.post([&here, value = std::move(value), answer = std::move(answer)]() mutable {
      answer->value.emplace(std::move(value));
      if (answer->waiting) here.make_ready(*answer->waiting);
    });
  }

  Runtime& here_;
  Runtime& there_;
  TaskSet& tasks_;
  Work work_;
  bool begun_ = false;
  std::shared_ptr<Answer> answer_ = std::make_shared<Answer>();
  ReadyNode node_;
};

template <class T>
Ask<T> ask(Runtime& here, Runtime& there, TaskSet& tasks, typename Ask<T>::Work work) {
  return {here, there, tasks, std::move(work)};
}

}  // namespace postrider::runtime
