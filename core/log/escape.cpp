// SPDX-License-Identifier: MIT
// Log values: bare, quoted, escaped.
#include "log/escape.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <fmt/format.h>

namespace postrider::log {
namespace {

struct Character {
  std::uint32_t code = 0;
  std::size_t length = 0;  ///< 0: not UTF-8
};

/// The first character of `text`, which is not empty (RFC 3629).
Character first_character(std::string_view text) {
  const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::uint32_t lead = octet(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  std::uint32_t code = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((octet(i) & 0xC0U) != 0x80) return {};
    code = (code << 6U) | (octet(i) & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (code < kLeast[length] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return {};
  return {code, length};
}

/// Invisible or direction-changing: shown by number.
bool is_treacherous(std::uint32_t c) {
  return (c >= 0x80 && c < 0xA0) || c == 0xAD || c == 0x61C || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF ||
         (c >= 0xFFF0 && c <= 0xFFFB) || (c & 0xFFFEU) == 0xFFFE || c >= 0xE0000;
}

/// One that is not plain.
void append_ascii(std::string& line, char c) {
  switch (c) {
    case '"':
      line += "\\\"";
      return;
    case '\\':
      line += "\\\\";
      return;
    case '\n':
      line += "\\n";
      return;
    case '\r':
      line += "\\r";
      return;
    case '\t':
      line += "\\t";
      return;
    default:
      break;
  }
  fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(c));
}

/// Stays as it is between quotes.
bool is_plain(char c) {
  return c >= ' ' && c < '\x7f' && c != '"' && c != '\\';
}

/// Fits a value that is not quoted: letters, digits, harmless marks.
bool is_bare(char c) {
  return is_plain(c) && c != ' ' && c != '\'' && c != '=' && c != '`';
}

}  // namespace

void append_quoted(std::string& line, std::string_view value) {
  const bool cut = value.size() > kValueLimit;
  value = value.substr(0, kValueLimit);
  line += '"';
  while (!value.empty()) {
    const auto plain = std::ranges::find_if_not(value, is_plain) - value.begin();
    line += value.substr(0, static_cast<std::size_t>(plain));
    value.remove_prefix(static_cast<std::size_t>(plain));
    if (value.empty()) break;
    const Character c = first_character(value);
    const std::size_t length = c.length == 0 ? 1 : c.length;
    if (c.length == 1)
      append_ascii(line, value[0]);
    else if (c.length == 0)
      fmt::format_to(std::back_inserter(line), "\\x{:02x}", static_cast<unsigned char>(value[0]));
    else if (is_treacherous(c.code))
      fmt::format_to(std::back_inserter(line), "\\u{{{:x}}}", c.code);
    else
      line += value.substr(0, length);
    value.remove_prefix(length);
  }
  line += cut ? "...\"" : "\"";
}

void append_value(std::string& line, std::string_view value) {
  if (!value.empty() && value.size() <= kValueLimit && std::ranges::all_of(value, is_bare))
    line += value;
  else
    append_quoted(line, value);
}

}  // namespace postrider::log
