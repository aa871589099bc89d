// SPDX-License-Identifier: MIT
// Compaction in small steps between the batches of the writer.
#include "store/compaction.hpp"

#include <algorithm>
#include <utility>

namespace postrider::store {
namespace {

constexpr std::uint64_t kStep = 1 << 20;

}  // namespace

bool Compaction::suits(const Segment& segment) const {
  const std::uint64_t live = spool_.index.live(segment.number);
  return live > 0 && live < spool_.options.segment_size / 2 &&
         segment.number < spool_.checkpointed_before() &&
         !spool_.is_open_for_writing(segment.number) && !stuck_.contains(segment.number) &&
         std::chrono::steady_clock::now() - segment.sealed >= minimum_age_;
}

bool Compaction::choose() {
  const auto found = std::ranges::find_if(
      spool_.segments, [this](const auto& named) { return suits(*named.second); });
  if (found == spool_.segments.end() || (!spool_.cold && !open_cold())) return false;
  source_ = found->first;
  for (const auto& [id, entry] : spool_.index.entries()) {
    const bool state = entry.state_size != 0 && entry.state.segment == source_;
    if (entry.put.segment == source_ || state) ids_.push_back(id);
  }
  return true;
}

bool Compaction::open_cold() {
  auto taken = spool_.take_cold();
  if (!taken) return false;
  spool_.cold = std::move(taken);
  return true;
}

bool Compaction::append(MessageId id, Batch& batch, std::vector<BodyPtr>& bodies) {
  const Entry* entry = spool_.index.find(id);
  if (entry == nullptr) return true;
  const bool put = entry->put.segment == source_;
  if (!put && (entry->state_size == 0 || entry->state.segment != source_)) return true;
  const std::uint64_t size = entry->put_size + entry->state_size;
  const bool fits = batch.offset() + round_up(batch.size() + size) <= spool_.options.segment_size;
  if (!fits && (!batch.empty() || batch.offset() > kBlock)) return false;
  if (!fits) {
    stuck_.insert(source_);  // with its newest state it would not fit anywhere
    return true;
  }
  const auto text = spool_.text(*entry);
  Result<BodyPtr> body = BodyPtr();
  if (put && !entry->file) body = spool_.body(id);
  if (!text || !body) {
    stuck_.insert(source_);
    return true;
  }
  Record record;
  record.id = id;
  record.body = entry->body;
  record.type = !put          ? RecordType::copy_update
                : entry->file ? RecordType::copy_file
                              : RecordType::copy;
  if (!put) record.body = 0;
  batch.append(record, put ? text->envelope : std::string(), text->state,
               *body ? (*body)->memory() : std::string_view());
  if (*body) bodies.push_back(std::move(*body));
  return true;
}

bool Compaction::write(Batch& batch) {
  Segment& cold = *spool_.cold;
  auto written = cold.file->write(batch.offset(), batch.pieces());
  if (written) written = cold.file->sync();
  if (!written) {
    spool_.cold.reset();
    ids_.clear();
    return false;
  }
  cold.tail += round_up(batch.size());
  const std::lock_guard guard(spool_.mutex);
  for (const auto& [record, offset] : batch.records()) {
    const Position position{record.segment, offset};
    if (record.type == RecordType::copy_update) {
      spool_.index.set_state(record.id, position, record.size());
    } else {
      spool_.index.put(record.id, entry_of(record, position));
    }
  }
  return true;
}

bool Compaction::step() {
  if (ids_.empty() && !choose()) return false;
  if (!spool_.cold && !open_cold()) {
    ids_.clear();
    return false;
  }
  Batch batch;
  std::vector<BodyPtr> bodies;
  batch.begin(spool_.cold->number, spool_.cold->salt, 0, spool_.cold->tail);
  while (!ids_.empty() && batch.size() < kStep) {
    if (!append(ids_.back(), batch, bodies)) break;
    ids_.pop_back();
  }
  if (!batch.empty()) return write(batch);
  if (ids_.empty()) return true;
  // Not even one fits: this cold segment is full.
  spool_.cold.reset();
  return true;
}

}  // namespace postrider::store
