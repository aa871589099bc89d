// SPDX-License-Identifier: MIT
// Where each live message lies in the log, and how much of each segment still lives. Bodies,
// envelopes and states stay on the disk. Some 45 octets a message: packed entries in order of id,
// in short runs, so that a walk over all of them can stop anywhere and go on later.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "store/record.hpp"

namespace postrider::store {

struct Position {
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;  ///< of the header; below 4 GiB
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
  /// Does some of it lie in this segment?
  bool lies_in(std::uint32_t segment) const {
    return put.segment == segment || (state_size != 0 && state.segment == segment);
  }
};

/// Not locked: the owner's business.
class Index {
 public:
  std::optional<Entry> find(MessageId id) const;
  /// A message is there, or there in another place.
  void put(MessageId id, const Entry& entry);
  /// A message that is there has a new state.
  void set_state(MessageId id, Position position, std::uint64_t size);
  void erase(MessageId id);
  std::uint64_t size() const { return size_; }
  /// Octets of live records in a segment.
  std::uint64_t live(std::uint32_t segment) const;
  std::uint64_t bytes() const { return bytes_; }

  /// Calls `each(id, entry)` for at most `most` messages in order of id, from `first` on, or until
  /// it answers false: that one was not taken. The id to go on from; nothing when all were seen.
  template <class Each>
  std::optional<MessageId> walk(MessageId first, std::size_t most, Each each) const;
  template <class Each>
  void for_each(Each each) const {
    (void)walk(0, size_ + 1, [&](MessageId id, const Entry& entry) {
      each(id, entry);
      return true;
    });
  }

 private:
  struct Packed {
    MessageId id;
    std::uint64_t body;  ///< the top bit says: in a file
    std::uint32_t put_segment, put_offset, put_size;
    std::uint32_t state_segment, state_offset, state_size;
  };
  using Run = std::vector<Packed>;
  using Runs = std::map<MessageId, Run>;  ///< by the least id that belongs into each

  static Packed pack(MessageId id, const Entry& entry);
  static Entry unpack(const Packed& packed);
  static Run::const_iterator place_in(const Run& run, MessageId id);
  const Packed* look_up(MessageId id) const;
  Runs::iterator run_of(MessageId id);
  void insert(MessageId id, const Packed& packed);
  void count(const Entry& entry);
  void discount(const Entry& entry);
  void release(std::uint32_t segment, std::uint64_t size);

  Runs runs_;
  std::unordered_map<std::uint32_t, std::uint64_t> live_;
  std::uint64_t size_ = 0;
  std::uint64_t bytes_ = 0;
};

template <class Each>
std::optional<MessageId> Index::walk(MessageId first, std::size_t most, Each each) const {
  auto run = runs_.upper_bound(first);
  if (run != runs_.begin()) --run;
  for (; run != runs_.end(); ++run) {
    for (auto at = place_in(run->second, first); at != run->second.end(); ++at) {
      if (most-- == 0 || !each(at->id, unpack(*at))) return at->id;
    }
  }
  return std::nullopt;
}

/// The entry of a put record (P, F or their copies) that lies at `position`.
Entry entry_of(const Record& record, Position position);

}  // namespace postrider::store
