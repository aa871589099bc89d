// SPDX-License-Identifier: MIT
#include "queue/field_line.hpp"

#include <array>

namespace postrider::queue {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

bool is_plain(char c) noexcept {
  return c > ' ' && c < '\x7f' && c != '%' && c != ',';
}

}  // namespace

void append_text(std::string& line, std::string_view text) {
  if (text.empty()) {
    line += '-';
    return;
  }
  if (text == "-") {
    line += "%2D";
    return;
  }
  for (const char c : text) {
    if (is_plain(c)) {
      line += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    line += '%';
    line += kHex[octet >> 4U];
    line += kHex[octet & 15U];
  }
}

void append_number(std::string& line, std::int64_t number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  line.append(digits.data(), end);
}

std::optional<std::string> read_text(std::string_view field) {
  if (field.empty()) return std::nullopt;
  if (field == "-") return std::string();
  std::string text;
  text.reserve(field.size());
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '%') {
      if (!is_plain(field[i])) return std::nullopt;
      text += field[i];
      continue;
    }
    if (field.size() - i < 3) return std::nullopt;
    const std::size_t high = kHex.find(field[i + 1]);
    const std::size_t low = kHex.find(field[i + 2]);
    if (high == kHex.npos || low == kHex.npos) return std::nullopt;
    text += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return text;
}

std::string_view FieldReader::next() noexcept {
  if (at_end_) return {};
  const std::size_t end = rest_.find(separator_);
  const std::string_view field = rest_.substr(0, end);
  at_end_ = end == rest_.npos;
  rest_ = at_end_ ? std::string_view() : rest_.substr(end + 1);
  return field;
}

}  // namespace postrider::queue
