// SPDX-License-Identifier: MIT
// The index of live messages and the count of living octets per segment. New ids are the greatest,
// so that runs fill up; a run that is mostly empty gives its memory back.
#include "store/index.hpp"

#include <algorithm>

namespace postrider::store {
namespace {

constexpr std::size_t kRun = 512;
constexpr std::uint64_t kInFile = 1ull << 63;

}  // namespace

Index::Packed Index::pack(MessageId id, const Entry& entry) {
  const auto narrow = [](std::uint64_t value) { return static_cast<std::uint32_t>(value); };
  return {id,
          entry.body | (entry.file ? kInFile : 0),
          entry.put.segment,
          narrow(entry.put.offset),
          narrow(entry.put_size),
          entry.state.segment,
          narrow(entry.state.offset),
          narrow(entry.state_size)};
}

Entry Index::unpack(const Packed& packed) {
  Entry entry;
  entry.put = {packed.put_segment, packed.put_offset};
  entry.put_size = packed.put_size;
  entry.state = {packed.state_segment, packed.state_offset};
  entry.state_size = packed.state_size;
  entry.body = packed.body & ~kInFile;
  entry.file = (packed.body & kInFile) != 0;
  return entry;
}

Index::Run::const_iterator Index::place_in(const Run& run, MessageId id) {
  if (run.empty() || run.back().id < id) return run.end();
  return std::ranges::lower_bound(run, id, {}, &Packed::id);
}

Index::Runs::iterator Index::run_of(MessageId id) {
  auto run = runs_.upper_bound(id);
  return run == runs_.begin() ? runs_.end() : --run;
}

const Index::Packed* Index::look_up(MessageId id) const {
  auto run = runs_.upper_bound(id);
  if (run == runs_.begin()) return nullptr;
  const Run& entries = (--run)->second;
  const auto at = place_in(entries, id);
  return at == entries.end() || at->id != id ? nullptr : &*at;
}

std::optional<Entry> Index::find(MessageId id) const {
  const Packed* found = look_up(id);
  if (found == nullptr) return std::nullopt;
  return unpack(*found);
}

void Index::insert(MessageId id, const Packed& packed) {
  auto run = run_of(id);
  if (run == runs_.end()) run = runs_.try_emplace(0).first;
  if (run->second.size() >= kRun) {
    Run rest;
    MessageId first = id;
    if (id < run->second.back().id) {  // out of turn: a run of two halves
      const auto middle = run->second.begin() + kRun / 2;
      rest.assign(middle, run->second.end());
      run->second.erase(middle, run->second.end());
      first = rest.front().id;
    }
    const auto added = runs_.try_emplace(first, std::move(rest)).first;
    if (id >= first) run = added;
  }
  run->second.insert(place_in(run->second, id), packed);
  ++size_;
}

void Index::put(MessageId id, const Entry& entry) {
  if (const Packed* found = look_up(id)) {
    discount(unpack(*found));
    *const_cast<Packed*>(found) = pack(id, entry);
  } else {
    insert(id, pack(id, entry));
  }
  count(entry);
}

void Index::set_state(MessageId id, Position position, std::uint64_t size) {
  auto entry = find(id);
  if (!entry) return;
  entry->state = position;
  entry->state_size = size;
  put(id, *entry);
}

void Index::erase(MessageId id) {
  const Packed* found = look_up(id);
  if (found == nullptr) return;
  discount(unpack(*found));
  const auto run = run_of(id);
  Run& entries = run->second;
  entries.erase(place_in(entries, id));
  --size_;
  if (entries.empty()) {
    runs_.erase(run);
  } else if (entries.size() * 4 < entries.capacity()) {
    Run shorter;
    shorter.reserve(entries.size() * 2);
    shorter.assign(entries.begin(), entries.end());
    entries = std::move(shorter);
  }
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
