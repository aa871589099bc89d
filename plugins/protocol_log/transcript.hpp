// SPDX-License-Identifier: MIT
// The records of one conversation, bounded: the first half of the room keeps how it began, the
// second the latest; what lies between is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "record.hpp"

namespace postrider::protocol_log {

class Transcript {
 public:
  /// `room` in octets; 0 keeps nothing.
  explicit Transcript(std::size_t room) : half_(room / 2) {}

  /// `number` grows with each record of the loop.
  void add(const Record& record, std::uint64_t number);
  std::size_t size() const noexcept { return count_ - omitted_; }
  std::uint64_t omitted() const noexcept { return omitted_; }
  std::uint64_t last_number() const noexcept { return last_; }

  /// In order; where records were left out, visit(nullptr, 0) stands for them.
  using Visitor = std::function<void(const Record* record, std::uint64_t number)>;
  void visit(const Visitor& visitor) const;

 private:
  void make_room();
  const std::size_t half_;
  std::string first_;
  std::string latest_;
  bool first_is_full_ = false;
  std::uint64_t count_ = 0;
  std::uint64_t omitted_ = 0;
  std::uint64_t last_ = 0;
};

}  // namespace postrider::protocol_log
