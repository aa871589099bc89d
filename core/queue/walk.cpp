// SPDX-License-Identifier: MIT
#include "queue/walk.hpp"

#include <algorithm>

namespace postrider::queue {
namespace {

/// A change costs up to 10 microseconds for each recipient: encoding, the commit, the hand-over.
constexpr std::size_t kSlice = 150;

}  // namespace

Task<void> walk(Loop& loop, const LoopQueue& queue, Selection selection,
                std::function<bool(const Selection&)> each) {
  if (!selection.queue_id.empty()) {
    const auto id = Queue::parse_id(selection.queue_id);
    selection.first = selection.last = id.value_or(0);
    if (id) each(selection);
    co_return;
  }
  const store::MessageId newest = std::min(selection.last, queue.newest());
  while (selection.first <= newest) {
    const auto end = queue.slice_end(selection.first, kSlice);
    if (!end) co_return;
    selection.last = std::min(*end, newest);
    if (!each(selection)) co_return;
    selection.first = selection.last + 1;
    co_await sleep_for(loop, 0ms);
    while (queue.commits_under_way() > LoopQueue::kMostCommits) co_await sleep_for(loop, 1ms);
  }
}

}  // namespace postrider::queue
