// SPDX-License-Identifier: MIT
// The four ways to run, as the Internet Mail Service had them: is mail taken, is it tried?
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

namespace postrider::config {

enum class Mode : std::uint8_t {
  inbound_outbound,
  inbound_only,   ///< mail is taken and queued; no attempt begins
  outbound_only,  ///< new sessions are turned away with 421; what is queued goes out
  none,
};

inline constexpr std::array<std::pair<std::string_view, Mode>, 4> kModes{{
    {"inbound-outbound", Mode::inbound_outbound},
    {"inbound-only", Mode::inbound_only},
    {"outbound-only", Mode::outbound_only},
    {"none", Mode::none},
}};

constexpr std::string_view mode_name(Mode mode) noexcept {
  return kModes[static_cast<std::size_t>(mode)].first;
}

constexpr std::optional<Mode> parse_mode(std::string_view name) noexcept {
  for (const auto& [known, mode] : kModes)
    if (known == name) return mode;
  return std::nullopt;
}

constexpr bool takes_mail(Mode mode) noexcept {
  return mode == Mode::inbound_outbound || mode == Mode::inbound_only;
}

constexpr bool tries_mail(Mode mode) noexcept {
  return mode == Mode::inbound_outbound || mode == Mode::outbound_only;
}

}  // namespace postrider::config
