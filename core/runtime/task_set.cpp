// SPDX-License-Identifier: MIT
// Each task runs inside a small coroutine of its own, which notes that it ended. A finished one is
// moved to a second list and destroyed from the ready list, when it surely is not on the stack.
#include "runtime/task_set.hpp"

#include <list>
#include <utility>
#include <variant>

#include "runtime/wait.hpp"

namespace postrider::runtime {

struct TaskSet::Impl {
  using Tasks = std::list<Task<void>>;

  explicit Impl(Loop& on) : loop(on), finished(on), empty(on) { reaper.start(); }

  static Task<void> run(Impl& set, Tasks::iterator place, Task<void> task);
  static Task<void> reap(Impl& set);
  std::size_t size() const noexcept { return running.size() + ended.size(); }
  void tell_if_empty() noexcept {
    if (size() == 0) empty.finish({});
  }

  Loop& loop;
  std::function<void(std::exception_ptr)> handler;
  Tasks running;
  Tasks ended;
  WaitSlot<std::monostate> finished;  // the reaper waits here
  WaitSlot<std::monostate> empty;     // and join() here
  Task<void> reaper = reap(*this);
};

Task<void> TaskSet::Impl::run(Impl& set, Tasks::iterator place, Task<void> task) {
  std::exception_ptr error;
  try {
    co_await task;
  } catch (...) {
    if (!set.handler) std::terminate();
    error = std::current_exception();
  }
  if (error) set.handler(std::move(error));
  set.ended.splice(set.ended.end(), set.running, place);
  set.finished.finish({});
}

Task<void> TaskSet::Impl::reap(Impl& set) {
  for (;;) {
    Wait<std::monostate> wait(set.finished);
    co_await wait;
    while (!set.ended.empty()) {
      Tasks last;  // out of the list first: its destructors may spawn
      last.splice(last.end(), set.ended, set.ended.begin());
    }
    set.tell_if_empty();
  }
}

TaskSet::TaskSet(Loop& loop) : impl_(std::make_unique<Impl>(loop)) {}

TaskSet::~TaskSet() {
  cancel_all();
  impl_->empty.finish({});
}

void TaskSet::spawn(Task<void> task) {
  if (task.is_done()) return;
  const auto place = impl_->running.emplace(impl_->running.end());
  *place = Impl::run(*impl_, place, std::move(task));
  place->start();
}

void TaskSet::on_exception(std::function<void(std::exception_ptr)> handler) {
  impl_->handler = std::move(handler);
}

std::size_t TaskSet::size() const noexcept {
  return impl_->size();
}

Task<void> TaskSet::join() {
  if (is_empty()) co_return;
  Wait<std::monostate> wait(impl_->empty);
  co_await wait;
}

void TaskSet::cancel_all() noexcept {
  while (!impl_->running.empty()) {
    Impl::Tasks last;
    last.splice(last.end(), impl_->running, impl_->running.begin());
  }
  impl_->tell_if_empty();
}

}  // namespace postrider::runtime
