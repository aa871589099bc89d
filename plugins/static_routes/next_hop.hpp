// SPDX-License-Identifier: MIT
// The value of a static route: "host", "host:port", "[address]:port" or "mx:domain".
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <postrider/route.hpp>

namespace postrider::static_routes {

struct NextHop {
  std::string name;  ///< host, domain or address literal; lower case
  std::uint16_t port = 0;
  bool use_mx = false;
  std::string written;
};

/// For the schema (setting_type.hpp): the error says what would be right.
std::expected<NextHop, std::string> parse_setting(std::string_view text, NextHop*);
std::string format_setting(const NextHop& hop);

}  // namespace postrider::static_routes
