// SPDX-License-Identifier: MIT
// Compaction in small steps between the batches of the writer.
#include "store/compaction.hpp"

#include <algorithm>
#include <utility>

namespace postrider::store {
namespace {

constexpr std::uint64_t kStep = 256 << 10;
constexpr std::size_t kLookedAt = 16'384;  // messages, to find those that lie in the source

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
  next_ = 0;
  return true;
}

bool Compaction::open_cold() {
  auto taken = spool_.take_cold();
  if (!taken) return false;
  spool_.cold = std::move(taken);
  return true;
}

bool Compaction::append(MessageId id, const Entry& entry, Copy& copy) {
  Batch& batch = copy.batch;
  const bool put = entry.put.segment == source_;
  const std::uint64_t size = entry.put_size + entry.state_size;
  const bool fits = batch.offset() + round_up(batch.size() + size) <= spool_.options.segment_size;
  if (!fits && (!batch.empty() || batch.offset() > kBlock)) return false;
  if (!fits) {
    stuck_.insert(source_);  // with its newest state it would not fit anywhere
    return true;
  }
  const auto text = spool_.text(entry, copy.windows);
  Result<BodyPtr> body = BodyPtr();
  if (put && !entry.file) body = spool_.body(id);
  if (!text || text->state_error || !body) {
    stuck_.insert(source_);
    return true;
  }
  Record record;
  record.id = id;
  record.type = !put         ? RecordType::copy_update
                : entry.file ? RecordType::copy_file
                             : RecordType::copy;
  if (put) record.body = entry.body;
  if (put && entry.file) record.body_crc = text->body_crc;
  batch.append(record, put ? text->envelope : std::string(), text->state,
               *body ? (*body)->memory() : std::string_view());
  if (*body) copy.bodies.push_back(std::move(*body));
  return true;
}

// Walks on from where the last step ended. False: the cold segment is full.
bool Compaction::gather(Copy& copy) {
  std::vector<std::pair<MessageId, Entry>> found;
  std::uint64_t octets = 0;
  next_ = spool_.index.walk(*next_, kLookedAt, [&](MessageId id, const Entry& entry) {
    if (octets >= kStep || !entry.lies_in(source_)) return octets < kStep;
    octets += entry.put_size + entry.state_size;
    found.emplace_back(id, entry);
    return true;
  });
  for (const auto& [id, entry] : found) {
    if (append(id, entry, copy)) continue;
    next_ = id;
    return false;
  }
  return true;
}

bool Compaction::write(Batch& batch) {
  Segment& cold = *spool_.cold;
  auto written = cold.file->write(batch.offset(), batch.pieces());
  if (written) written = cold.file->sync();
  if (!written) {
    spool_.cold.reset();
    next_.reset();
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
  if (!has_source() && !choose()) return false;
  if (!spool_.cold && !open_cold()) {
    next_.reset();
    return false;
  }
  Copy copy;
  copy.batch.begin(spool_.cold->number, spool_.cold->salt, 0, spool_.cold->tail);
  const bool room = gather(copy);
  if (!copy.batch.empty()) return write(copy.batch);
  if (!room) spool_.cold.reset();  // not even one fits
  return true;
}

}  // namespace postrider::store
