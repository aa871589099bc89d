// SPDX-License-Identifier: MIT
// A task run to its end on the real loop: the tool works alone, with nothing else to do meanwhile.
#pragma once

#include <optional>
#include <utility>

#include <postrider/loop.hpp>

#include "runtime/runtime.hpp"

namespace postrider::control {

template <class T>
Task<void> finish_errand(runtime::Runtime& runtime, Task<T> task, std::optional<T>& result) {
  co_await sleep_for(runtime, 0ms);  // from here on the loop's clock is right
  result.emplace(co_await task);
  runtime.stop();
}

/// [the loop's thread] Blocks until `task` is done.
template <class T>
T run_errand(runtime::Runtime& runtime, Task<T> task) {
  std::optional<T> result;
  Task<void> errand = finish_errand(runtime, std::move(task), result);
  if (!errand.start()) runtime.run();
  return std::move(*result);
}

}  // namespace postrider::control
