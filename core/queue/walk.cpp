// SPDX-License-Identifier: MIT
#include "queue/walk.hpp"

#include <algorithm>

namespace postrider::queue {
namespace {

/// What a recipient costs depends on the command, the plugins and the machine: a slice is as many
/// small pieces as fit into this time.
constexpr std::chrono::microseconds kSliceTime{500};
constexpr std::size_t kPiece = 20;    ///< recipients, but at least one message
constexpr std::size_t kPieces = 100;  ///< in one slice, whatever the clock says

}  // namespace

Task<void> walk(runtime::Runtime& runtime, const LoopQueue& queue, Selection selection,
                std::function<bool(const Selection&)> each) {
  if (!selection.queue_id.empty()) {
    const auto id = Queue::parse_id(selection.queue_id);
    selection.first = selection.last = id.value_or(0);
    if (id) each(selection);
    co_return;
  }
  const store::MessageId newest = std::min(selection.last, queue.newest());
  while (selection.first <= newest) {
    const auto is_busy = [&] { return queue.commits_under_way() > LoopQueue::kMostCommits; };
    const TimePoint end = runtime.exact_now() + kSliceTime;
    std::size_t pieces = 0;
    do {
      const auto last = queue.slice_end(selection.first, kPiece);
      if (!last || selection.first > newest) co_return;
      selection.last = std::min(*last, newest);
      if (!each(selection)) co_return;
      selection.first = selection.last + 1;
    } while (++pieces < kPieces && !is_busy() && runtime.exact_now() < end);
    co_await sleep_for(runtime, 0ms);
    while (is_busy()) co_await sleep_for(runtime, 1ms);
  }
}

}  // namespace postrider::queue
