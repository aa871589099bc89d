// SPDX-License-Identifier: MIT
// Durations and sizes as people write them in the configuration: "5s", "1h30m", "64KiB", "10MiB".
#pragma once

#include <compare>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <postrider/time.hpp>

namespace postrider {

/// A number of octets. A type of its own, so that a limit on octets is never mixed up with a count.
struct Size {
  std::uint64_t octets = 0;
  friend constexpr auto operator<=>(Size, Size) = default;
};

inline namespace size_literals {
constexpr Size operator""_B(unsigned long long n) {
  return {n};
}
constexpr Size operator""_KiB(unsigned long long n) {
  return {n << 10};
}
constexpr Size operator""_MiB(unsigned long long n) {
  return {n << 20};
}
constexpr Size operator""_GiB(unsigned long long n) {
  return {n << 30};
}
}  // namespace size_literals

/// Reads one or more whole numbers with units, largest first, each unit once: "500ms", "5s",
/// "1h30m". Units: ms, s, m (minutes), h, d, w. The error says what is wrong and what would be
/// right.
std::expected<Duration, std::string> parse_duration(std::string_view text);

/// The shortest exact text that parse_duration reads back: 90 minutes is "1h30m", zero is "0s".
std::string format_duration(Duration length);

/// Reads a whole number with a unit: B, KiB, MiB, GiB, TiB (powers of 1024), KB, MB, GB, TB (powers
/// of 1000); digits alone are octets. The error says what is wrong and what would be right.
std::expected<Size, std::string> parse_size(std::string_view text);

/// The exact text with the largest unit that fits: 65536 is "64KiB", 1000 is "1KB", 1001 is
/// "1001B".
std::string format_size(Size size);

}  // namespace postrider
