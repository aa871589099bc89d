// SPDX-License-Identifier: MIT
// Reads a segment from front to end and tells whole records from holes.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "store/batch.hpp"
#include "store/segment.hpp"

namespace postrider::store {

/// A stretch that is no whole record and no padding.
struct Hole {
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  std::uint64_t batch = 0;       ///< of the record that lies there, if its header is whole, else 0
  std::uint64_t before = 0;      ///< batch of the whole header before it in this segment, or 0
  std::uint64_t after = 0;       ///< batch of the next one, or 0
  bool ours = false;             ///< what is there began as a record of this segment
  std::optional<Record> record;  ///< whose header is whole
  std::vector<Record> updates;   ///< the changes of state in it: headers, as far as they are whole
};

struct Scan {
  std::vector<Batch::Placed> records;  ///< composites taken apart
  std::vector<Hole> holes;
};

/// `octets` is the whole segment, block 0 included.
Scan scan_segment(std::string_view octets, std::uint32_t number, std::uint64_t salt);

/// What becomes of blocks that the disk does not read. It may come to itself, so a daemon does not
/// start rather than take them for damage; who looks at a spool, or repairs it, sees zeros.
enum class Unreadable : std::uint8_t { is_error, is_zeros };

/// The segment's file as far as it was ever written.
Result<std::string> read_segment(const Segment& segment, Unreadable unreadable);

/// What a hole once was, as far as it can be told from its `octets`: the ids of its messages.
std::vector<MessageId> ids_in(std::string_view octets, std::uint64_t salt);

/// Checks one whole record that starts `octets` against its checksums.
bool record_is_whole(const Record& record, std::string_view octets);

}  // namespace postrider::store
