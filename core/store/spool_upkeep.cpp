// SPDX-License-Identifier: MIT
// The spool's upkeep: checkpoints in slices, and freeing. A segment is freed only when neither of
// the two newest checkpoints needs it, nothing in it lives and nobody reads it.
#include <algorithm>
#include <utility>

#include "store/spool.hpp"

namespace postrider::store {
namespace {

constexpr std::uint64_t kCheckpointLine = 55;  // octets, about
constexpr std::size_t kAtOnce = 32'768;        // messages of a checkpoint that nobody waits behind
constexpr std::size_t kFreedAtOnce = 2;  // segments: giving back 64 MiB takes a file system long

}  // namespace

void Spool::begin_checkpoint() {
  CheckpointHead head{generation_ + 1, log_.next_number(), next_batch, last_id};
  if (!prepared_.empty()) head.replay_from = prepared_.front()->number;
  if (current) head.replay_from = current->number;
  writer_.begin(head);
  written_since_checkpoint_ = 0;
}

// True: it is done, and what it made dead is known.
Result<bool> Spool::step_checkpoint(std::size_t messages) {
  const auto done = writer_.step(messages);
  if (!done || !*done) return done;
  Need need;
  need.replay_from = writer_.head().replay_from;
  for (const auto& [number, salt] : writer_.salts()) need.listed.insert(number);
  ++generation_;
  needs_[1] = std::exchange(needs_[0], std::move(need));
  find_dead();
  return true;
}

Result<void> Spool::checkpoint() {
  begin_checkpoint();
  Result<bool> done = false;
  while (done && !*done) done = step_checkpoint(kAtOnce);
  if (!done) return std::unexpected(done.error());
  free_some(dead_.size());
  return {};
}

// What was prepared and never written is ready for the next start as a spare file. What is left of
// the segments in use is given back: the next start begins others.
Result<void> Spool::close() {
  for (const SegmentPtr& open : {current, cold}) {
    if (open) (void)open->file->trim(open->tail);
  }
  seal_current();
  for (const SegmentPtr& segment : prepared_) {
    const std::lock_guard guard(mutex);
    segments.erase(segment->number);
    log_.retire(segment->number);
  }
  prepared_.clear();
  return checkpoint();
}

bool Spool::tend_checkpoint(std::size_t slice) {
  if (!dead_.empty()) {
    free_some(kFreedAtOnce);
    return true;
  }
  if (!writer_.is_active()) {
    const std::uint64_t cost = index.size() * kCheckpointLine;
    if (written_since_checkpoint_ == 0 || written_since_checkpoint_ < 2 * cost) return false;
    begin_checkpoint();
  }
  const auto done = step_checkpoint(slice);
  return done && (!*done || !dead_.empty());
}

/// Mail is refused for want of space, so nothing is written that would make a checkpoint due: free
/// what is dead all the same, or the refusal would never end.
void Spool::give_back() {
  free_some(dead_.size());
  for (int round = 0; round < 2 && any_dead(); ++round)
    if (!checkpoint()) break;
  log_.drop_spares();
}

bool Spool::any_dead() const {
  return std::ranges::any_of(segments, [this](const auto& named) {
    return index.live(named.first) == 0 && !is_open_for_writing(named.first);
  });
}

void Spool::find_dead() {
  const std::lock_guard guard(mutex);
  for (const auto& [number, segment] : segments) {
    const bool wanted = index.live(number) != 0 || is_open_for_writing(number) ||
                        needs_[0].has(number) || needs_[1].has(number);
    if (!wanted && segment.use_count() == 1) dead_.push_back(number);
  }
  for (const std::uint32_t number : dead_) segments.erase(number);
}

void Spool::free_some(std::size_t most) {
  for (; most > 0 && !dead_.empty(); --most) {
    log_.retire(dead_.front());
    dead_.pop_front();
  }
}

}  // namespace postrider::store
