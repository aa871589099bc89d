// SPDX-License-Identifier: MIT
// The records of one write: headers and texts gathered in one buffer, bodies taken from where they
// already are, all padded to a block.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/record.hpp"

namespace postrider::store {

/// How the body of an Add goes to the disk: inside the record, or in a file of its own.
struct PlacedBody {
  bool file = false;
  std::uint64_t size = 0;
  std::string_view octets;  ///< unless in a file; must live until the write is over
  BodyPtr holder;           ///< keeps them alive
  std::uint32_t crc = 0;    ///< if in a file
};

/// Octets that the transaction takes in a batch.
std::uint64_t encoded_size(const Transaction& transaction, std::span<const PlacedBody> bodies);

class Batch {
 public:
  /// Where and under which number and salt it will be written.
  void begin(std::uint32_t segment, std::uint64_t salt, std::uint64_t number, std::uint64_t offset);
  /// One record, or a composite of several. `bodies` are those of transaction.add, in order.
  void append(const Transaction& transaction, std::span<const PlacedBody> bodies);
  /// A single record whose texts and octets are given; lengths and checksums are filled in.
  void append(Record record, std::string_view envelope, std::string_view state,
              std::string_view octets);

  struct Placed {
    Record record;
    std::uint64_t offset;  ///< in the segment
  };
  /// What was appended, composites taken apart, in order.
  const std::vector<Placed>& records() const { return records_; }
  std::uint64_t offset() const { return offset_; }
  std::uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  /// What to write at offset(), padded. Valid until the next begin() or append().
  std::span<const std::string_view> pieces();

 private:
  struct Piece {
    std::size_t text_start;
    std::size_t text_end;
    std::string_view octets;
  };
  void append_octets(std::string_view octets);
  Record complete(Record record) const;

  std::string text_;
  std::size_t text_start_ = 0;
  std::vector<Piece> parts_;
  std::vector<std::string_view> pieces_;
  std::vector<Placed> records_;
  std::uint32_t segment_ = 0;
  std::uint64_t salt_ = 0;
  std::uint64_t number_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t size_ = 0;
  std::uint32_t composite_crc_ = 0;
  bool inside_ = false;  ///< a composite is being appended
};

}  // namespace postrider::store
