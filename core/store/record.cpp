// SPDX-License-Identifier: MIT
// The header line, 96 octets:
// "Q1 T segment8 batch12 id16 envel6 state6 body10 textcrc8 bodycrc8 headercrc8\n", hexadecimal.
#include "store/record.hpp"

#include "store/crc32c.hpp"

namespace postrider::store {
namespace {

constexpr std::size_t kCoveredSize = kHeaderSize - 9;  // all before the header's own checksum

std::uint32_t salted(std::string_view covered, std::uint64_t salt) {
  char octets[8];
  for (int i = 0; i < 8; ++i) octets[i] = static_cast<char>(salt >> (8 * i));
  return crc32c(covered, crc32c({octets, sizeof octets}));
}

bool known(char type) {
  return std::string_view("PFUDXSpfu").find(type) != std::string_view::npos;
}

// Takes one field of `width` digits and the separator behind it.
std::uint64_t take(std::string_view& text, std::size_t width, bool& good) {
  const auto value = parse_hex(text.substr(0, width));
  good = good && value.has_value();
  text.remove_prefix(width + 1);
  return value.value_or(0);
}

}  // namespace

bool Record::has_text() const {
  return type != RecordType::done && type != RecordType::composite && type != RecordType::seal;
}

bool Record::has_body() const {
  return type == RecordType::put || type == RecordType::copy || type == RecordType::composite;
}

std::uint64_t Record::text_size() const {
  return has_text() ? envelope + 1ull + state + 1ull : 0;
}

std::uint64_t Record::size() const {
  const std::uint64_t closing = type == RecordType::composite ? 0 : 1;
  return kHeaderSize + text_size() + (has_body() ? body + closing : 0);
}

void append_hex(std::string& target, std::uint64_t value, int width) {
  char digits[16];
  for (int i = width - 1; i >= 0; --i, value >>= 4) digits[i] = "0123456789abcdef"[value & 15u];
  target.append(digits, static_cast<std::size_t>(width));
}

std::string hex(std::uint64_t value, int width) {
  std::string text;
  append_hex(text, value, width);
  return text;
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  if (text.empty() || text.size() > 16) return std::nullopt;
  std::uint64_t value = 0;
  for (const char digit : text) {
    if (digit >= '0' && digit <= '9') {
      value = value << 4 | static_cast<std::uint64_t>(digit - '0');
    } else if (digit >= 'a' && digit <= 'f') {
      value = value << 4 | static_cast<std::uint64_t>(digit - 'a' + 10);
    } else {
      return std::nullopt;
    }
  }
  return value;
}

void append_header(std::string& target, const Record& record, std::uint64_t salt) {
  const std::size_t start = target.size();
  const auto field = [&](std::uint64_t value, int width) {
    append_hex(target, value, width);
    target += ' ';
  };
  target += kMagic;
  target += static_cast<char>(record.type);
  target += ' ';
  field(record.segment, 8);
  field(record.batch, 12);
  field(record.id, 16);
  field(record.envelope, 6);
  field(record.state, 6);
  field(record.body, 10);
  field(record.text_crc, 8);
  field(record.body_crc, 8);
  append_hex(target, salted(std::string_view(target).substr(start), salt), 8);
  target += '\n';
}

std::optional<Record> parse_header(std::string_view text, std::uint64_t salt) {
  if (text.size() < kHeaderSize || !text.starts_with(kMagic) || text[kHeaderSize - 1] != '\n') {
    return std::nullopt;
  }
  const auto crc = parse_hex(text.substr(kCoveredSize, 8));
  if (!crc || *crc != salted(text.substr(0, kCoveredSize), salt)) return std::nullopt;
  bool good = known(text[3]);
  Record record;
  record.type = static_cast<RecordType>(text[3]);
  text.remove_prefix(5);
  record.segment = static_cast<std::uint32_t>(take(text, 8, good));
  record.batch = take(text, 12, good);
  record.id = take(text, 16, good);
  record.envelope = static_cast<std::uint32_t>(take(text, 6, good));
  record.state = static_cast<std::uint32_t>(take(text, 6, good));
  record.body = take(text, 10, good);
  record.text_crc = static_cast<std::uint32_t>(take(text, 8, good));
  record.body_crc = static_cast<std::uint32_t>(take(text, 8, good));
  if (!good) return std::nullopt;
  return record;
}

}  // namespace postrider::store
