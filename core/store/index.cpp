// SPDX-License-Identifier: MIT
// The index of live messages and the count of living octets per segment.
#include "store/index.hpp"

namespace postrider::store {

const Entry* Index::find(MessageId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : &found->second;
}

void Index::put(MessageId id, const Entry& entry) {
  const auto [at, added] = entries_.try_emplace(id, entry);
  if (!added) {
    discount(at->second);
    at->second = entry;
  }
  count(entry);
}

void Index::set_state(MessageId id, Position position, std::uint64_t size) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  discount(found->second);
  found->second.state = position;
  found->second.state_size = size;
  count(found->second);
}

void Index::erase(MessageId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return;
  discount(found->second);
  entries_.erase(found);
}

std::uint64_t Index::live(std::uint32_t segment) const {
  const auto found = live_.find(segment);
  return found == live_.end() ? 0 : found->second;
}

void Index::count(const Entry& entry) {
  live_[entry.put.segment] += entry.put_size;
  if (entry.state_size != 0) live_[entry.state.segment] += entry.state_size;
  bytes_ += entry.put_size + entry.state_size + (entry.file ? entry.body : 0);
}

void Index::discount(const Entry& entry) {
  release(entry.put.segment, entry.put_size);
  if (entry.state_size != 0) release(entry.state.segment, entry.state_size);
  bytes_ -= entry.put_size + entry.state_size + (entry.file ? entry.body : 0);
}

void Index::release(std::uint32_t segment, std::uint64_t size) {
  const auto found = live_.find(segment);
  found->second -= size;
  if (found->second == 0) live_.erase(found);
}

Entry entry_of(const Record& record, Position position) {
  Entry entry;
  entry.put = position;
  entry.state = position;
  entry.put_size = record.size();
  entry.body = record.body;
  entry.file = record.type == RecordType::put_file || record.type == RecordType::copy_file;
  return entry;
}

}  // namespace postrider::store
