// SPDX-License-Identifier: MIT
#include "utf8.hpp"

#include <algorithm>
#include <array>

namespace postrider::utf8 {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// Disallowed by RFC 5892 as a whole; U+200C, U+200D, U+214E and U+2184 are taken out below.
constexpr std::array kNotInDomains{
    Range{0x0080, 0x00B6},   Range{0x00B8, 0x00BF},   Range{0x00D7, 0x00D7},
    Range{0x00F7, 0x00F7},   Range{0x2000, 0x2BFF},   Range{0x3000, 0x3004},
    Range{0x3008, 0x3029},   Range{0x3200, 0x33FF},   Range{0xD800, 0xFA0D},
    Range{0xFB00, 0xFB1D},   Range{0xFDD0, 0xFDFF},   Range{0xFE10, 0xFE1F},
    Range{0xFE30, 0xFE72},   Range{0xFE74, 0xFFFF},   Range{0x1D400, 0x1D7FF},
    Range{0x1F000, 0x1FAFF}, Range{0xE0000, 0x10FFFF}};

}  // namespace

Character first(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::uint32_t lead = at(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || text.size() < length) return {};
  std::uint32_t value = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0U) != 0x80) return {};
    value = (value << 6U) | (at(i) & 0x3FU);
  }
  constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  if (value < kLeast[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

bool is_control(std::uint32_t c) noexcept {
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF ||
         c == 0x61C || (c & 0xFFFEU) == 0xFFFE;
}

bool is_domain_character(std::uint32_t c) noexcept {
  if (c == 0x200C || c == 0x200D || c == 0x214E || c == 0x2184) return true;
  if (is_control(c)) return false;
  return std::ranges::none_of(kNotInDomains,
                              [c](const Range& r) { return r.first <= c && c <= r.last; });
}

}  // namespace postrider::utf8
