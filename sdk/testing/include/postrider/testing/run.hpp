// SPDX-License-Identifier: MIT
// Run a task to its end in virtual time.
#pragma once

#include <stdexcept>
#include <utility>

#include <postrider/testing/manual_loop.hpp>

namespace postrider::testing {

/// The task's result, or its exception. Time passes as the task needs it. Throws std::logic_error
/// if the task waits for something that no timer will bring.
template <class T>
T run(ManualLoop& loop, Task<T> task) {
  task.start();
  loop.run_ready();
  while (!task.is_done())
    if (!loop.step()) throw std::logic_error("the task waits for what will never come");
  return task.take();
}

}  // namespace postrider::testing
