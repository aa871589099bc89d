// SPDX-License-Identifier: MIT
// Operators' work on all messages of a loop, cut into slices, so that mail flows meanwhile: each
// slice takes about half a millisecond, and between two the loop turns.
#pragma once

#include <functional>

#include <postrider/task.hpp>

#include "queue/loop_queue.hpp"

namespace postrider::queue {

/// Call `each` with the selection cut to a slice, until it answers false or everything that was in
/// the queue at the beginning is done. `runtime` is the queue's own; both outlive the task.
Task<void> walk(runtime::Runtime& runtime, const LoopQueue& queue, Selection selection,
                std::function<bool(const Selection&)> each);

}  // namespace postrider::queue
