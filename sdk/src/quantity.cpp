// SPDX-License-Identifier: MIT
// Reads and prints durations and sizes. Whole numbers only: what is printed is exactly what was
// read.
#include <array>
#include <charconv>
#include <cstddef>
#include <limits>
#include <optional>
#include <utility>

#include <postrider/quantity.hpp>

namespace postrider {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// Largest first: durations are written and printed in this order.
constexpr std::array<Unit, 6> kTimeUnits{{{"w", 604'800'000},
                                          {"d", 86'400'000},
                                          {"h", 3'600'000},
                                          {"m", 60'000},
                                          {"s", 1'000},
                                          {"ms", 1}}};

// Largest first, and at equal rank the powers of 1024 first: the printer takes the first that fits.
constexpr std::array<Unit, 9> kSizeUnits{{{"TiB", std::uint64_t{1} << 40},
                                          {"TB", 1'000'000'000'000},
                                          {"GiB", std::uint64_t{1} << 30},
                                          {"GB", 1'000'000'000},
                                          {"MiB", std::uint64_t{1} << 20},
                                          {"MB", 1'000'000},
                                          {"KiB", std::uint64_t{1} << 10},
                                          {"KB", 1'000},
                                          {"B", 1}}};

constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

struct Part {
  std::uint64_t number;
  std::string_view unit;  // letters up to the next digit
};

// Takes "30m" off the front of "30m15s"; nothing if there is no number or it does not fit.
std::optional<Part> take_part(std::string_view& text) {
  Part part{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, part.number);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(rest - text.data()));
  const std::size_t length = std::min(text.find_first_of("0123456789"), text.size());
  part.unit = text.substr(0, length);
  text.remove_prefix(length);
  return part;
}

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

// number * factor + sum, or nothing when that exceeds kMost.
std::optional<std::uint64_t> add_product(std::uint64_t sum, std::uint64_t number,
                                         std::uint64_t factor) {
  if (number > (kMost - sum) / factor) return std::nullopt;
  return sum + number * factor;
}

std::unexpected<std::string> no_duration(std::string_view text) {
  return std::unexpected('"' + std::string(text) +
                         "\" is not a duration; write for example \"5s\", \"500ms\" or \"1h30m\"");
}

std::unexpected<std::string> no_size(std::string_view text) {
  return std::unexpected('"' + std::string(text) +
                         "\" is not a size; write for example \"64KiB\" or \"10MiB\"");
}

}  // namespace

std::expected<Duration, std::string> parse_duration(std::string_view text) {
  std::string_view rest = text;
  std::uint64_t sum = 0;
  const Unit* last = nullptr;
  do {
    const std::optional<Part> part = take_part(rest);
    const Unit* unit = part ? find_unit(kTimeUnits, part->unit) : nullptr;
    if (unit == nullptr || (last != nullptr && unit->factor >= last->factor))
      return no_duration(text);
    const auto longer = add_product(sum, part->number, unit->factor);
    if (!longer) return no_duration(text);
    sum = *longer;
    last = unit;
  } while (!rest.empty());
  return Duration{static_cast<std::int64_t>(sum)};
}

std::string format_duration(Duration length) {
  if (length.count() == 0) return "0s";
  std::string text = length.count() < 0 ? "-" : "";
  auto rest = static_cast<std::uint64_t>(length.count());
  if (length.count() < 0) rest = 0 - rest;
  for (const Unit& unit : kTimeUnits) {
    if (rest < unit.factor || unit.name == "w") continue;  // people count in days
    text += std::to_string(rest / unit.factor);
    text += unit.name;
    rest %= unit.factor;
  }
  return text;
}

std::expected<Size, std::string> parse_size(std::string_view text) {
  std::string_view rest = text;
  const std::optional<Part> part = take_part(rest);
  if (!part || !rest.empty()) return no_size(text);
  const Unit* unit = part->unit.empty() ? &kSizeUnits.back() : find_unit(kSizeUnits, part->unit);
  if (unit == nullptr) return no_size(text);
  const auto octets = add_product(0, part->number, unit->factor);
  if (!octets) return no_size(text);
  return Size{*octets};
}

std::string format_size(Size size) {
  for (const Unit& unit : kSizeUnits)
    if (size.octets >= unit.factor && size.octets % unit.factor == 0)
      return std::to_string(size.octets / unit.factor).append(unit.name);
  return "0B";
}

}  // namespace postrider
