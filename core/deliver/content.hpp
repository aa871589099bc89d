// SPDX-License-Identifier: MIT
// A message's octets as DATA sends them (RFC 5321 section 4.5.2): the memory itself when no line
// begins with a dot, stuffed otherwise; large bodies in chunks from the store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "queue/queue.hpp"
#include "smtp/dot_codec.hpp"

namespace postrider::deliver {

/// One pass over one message, which must outlive it.
class Content {
 public:
  static constexpr std::size_t kChunk = 128UL << 10U;

  explicit Content(const queue::MessageRecord& message) : message_(message) {}

  /// The next piece, valid until the next call; an error of the store. Each may block briefly. The
  /// last piece comes only if all of it is what was accepted.
  store::Result<std::string_view> next();
  /// Was that the last piece?
  bool is_finished() const noexcept { return offset_ >= message_.size(); }
  /// Octets of the whole, without stuffing.
  std::uint64_t size() const noexcept { return message_.size(); }
  /// What ends the message after the last piece: ".\r\n", or with a line end before it.
  std::string_view end() const noexcept;

 private:
  store::Result<std::string_view> read();
  store::Result<std::string_view> read_piece();
  void remember(std::string_view piece) noexcept;

  const queue::MessageRecord& message_;
  store::BodyPtr body_;  // only when the message's memory is gone
  smtp::DotEncoder encoder_;
  store::BodySum sum_;  // of what came in chunks
  std::uint64_t offset_ = 0;
  std::string chunk_;
  std::string stuffed_;
  char before_last_ = '\r';
  char last_ = '\n';
};

}  // namespace postrider::deliver
