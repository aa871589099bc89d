// SPDX-License-Identifier: MIT
// Where each live message lies in the log, and how much of each segment still lives. Bodies,
// envelopes and states stay on the disk.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "store/record.hpp"

namespace postrider::store {

struct Position {
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;  ///< of the header
  bool operator==(const Position&) const = default;
};

struct Entry {
  Position put;
  std::uint64_t put_size = 0;
  Position state;                ///< of the record with the newest state; may be the put itself
  std::uint64_t state_size = 0;  ///< 0 if it is
  std::uint64_t body = 0;
  bool file = false;  ///< the body is a file of its own

  /// Octets of header, envelope and state at `put`.
  std::uint64_t text_size() const { return file ? put_size : put_size - body - 1; }
};

/// Not locked: the owner's business.
class Index {
 public:
  const Entry* find(MessageId id) const;
  /// A message is there, or there in another place.
  void put(MessageId id, const Entry& entry);
  /// A message that is there has a new state.
  void set_state(MessageId id, Position position, std::uint64_t size);
  void erase(MessageId id);
  /// Octets of live records in a segment.
  std::uint64_t live(std::uint32_t segment) const;
  std::uint64_t bytes() const { return bytes_; }
  const std::unordered_map<MessageId, Entry>& entries() const { return entries_; }
  const std::unordered_map<std::uint32_t, std::uint64_t>& live_segments() const { return live_; }

 private:
  void count(const Entry& entry);
  void discount(const Entry& entry);
  void release(std::uint32_t segment, std::uint64_t size);

  std::unordered_map<MessageId, Entry> entries_;
  std::unordered_map<std::uint32_t, std::uint64_t> live_;
  std::uint64_t bytes_ = 0;
};

/// The entry of a put record (P, F or their copies) that lies at `position`.
Entry entry_of(const Record& record, Position position);

}  // namespace postrider::store
