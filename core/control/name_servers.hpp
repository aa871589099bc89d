// SPDX-License-Identifier: MIT
// Which name servers a command that works alone asks.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include <postrider/ip_address.hpp>

namespace postrider::control {

/// "192.0.2.1", "192.0.2.1:5353": port 53 if none is given.
std::expected<SocketAddress, std::string> parse_name_server(const std::string& text);
/// Those of /etc/resolv.conf.
std::vector<SocketAddress> system_name_servers();

}  // namespace postrider::control
