// SPDX-License-Identifier: MIT
// A record of the log: one header line of text, then the envelope, the state and the body, each
// closed by a line feed, so that `less` and `grep -a '^Q1 '` read a segment. The checksum of the
// header is salted by its segment: what a recycled segment still holds from its former life, and
// what a message body may forge, never passes for a record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "store/store.hpp"

namespace postrider::store {

/// Every batch of records starts on this boundary and is padded to it, so that no sector which
/// holds acknowledged records is written again.
inline constexpr std::uint64_t kBlock = 4096;

enum class RecordType : char {
  put = 'P',        ///< a message, body included
  put_file = 'F',   ///< a message whose body is big/<id>.eml
  update = 'U',     ///< a new state
  done = 'D',       ///< a message removed
  composite = 'X',  ///< the records in its body are valid together or not at all
  seal = 'S',       ///< nothing in segment `id` from offset `body` on was ever acknowledged
  copy = 'p',       ///< p, f, u: copies by compaction, valid only where a checkpoint points at
  copy_file = 'f',  ///< them
  copy_update = 'u',
};

struct Record {
  RecordType type = RecordType::done;
  std::uint32_t segment = 0;
  std::uint64_t batch = 0;
  MessageId id = 0;
  std::uint32_t envelope = 0;  ///< octets of the envelope
  std::uint32_t state = 0;     ///< octets of the state
  std::uint64_t body = 0;      ///< octets of the body
  std::uint32_t text_crc = 0;  ///< of envelope, state and their line feeds
  /// Of the body, also of one in a file (0 there: written before files had one); of a composite:
  /// of the headers within.
  std::uint32_t body_crc = 0;

  bool has_text() const;
  bool has_body() const;  ///< in the log, not in a file
  /// Octets of envelope and state with their line feeds.
  std::uint64_t text_size() const;
  /// Octets of the whole record, header included.
  std::uint64_t size() const;
};

inline constexpr std::size_t kHeaderSize = 96;
inline constexpr std::string_view kMagic = "Q1 ";
inline constexpr std::uint32_t kTextLimit = 0xffffff;

/// Appends the header line, its checksum salted by `salt`.
void append_header(std::string& target, const Record& record, std::uint64_t salt);

/// The salt of headers inside a composite: should the outer header be torn, none of them passes for
/// a record of its own.
constexpr std::uint64_t inner_salt(std::uint64_t salt) {
  return ~salt;
}

/// The record whose header starts `text`; nothing if its form, salt or checksum is wrong.
std::optional<Record> parse_header(std::string_view text, std::uint64_t salt);

/// `value` in lower-case hexadecimal, `width` digits.
void append_hex(std::string& target, std::uint64_t value, int width);
std::string hex(std::uint64_t value, int width);
/// The value of a text of hexadecimal digits only.
std::optional<std::uint64_t> parse_hex(std::string_view text);

constexpr std::uint64_t round_up(std::uint64_t size) {
  return (size + kBlock - 1) / kBlock * kBlock;
}

}  // namespace postrider::store
