// SPDX-License-Identifier: MIT
// Who we are, as a next hop would be seen by others: names, addresses, ports. Pure: no I/O.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/ip_address.hpp>
#include <postrider/route.hpp>

namespace postrider::loopback {

/// One entry of also_us: a name, an address, or either with a port.
struct OwnPlace {
  std::string name;                  ///< lower case; "" if it is an address
  std::optional<IpAddress> address;  ///< nothing if it is a name
  std::uint16_t port = 0;            ///< 0: any
  std::string written;
};
/// For the schema (setting_type.hpp): the error says what would be right.
std::expected<OwnPlace, std::string> parse_setting(std::string_view text, OwnPlace*);
std::string format_setting(const OwnPlace& place);

struct Identity {
  std::string hostname;              ///< lower case
  std::vector<std::string> aliases;  ///< lower case
  std::vector<OwnPlace> also_us;
  std::vector<SocketAddress> listeners;
  std::vector<IpAddress> interfaces;
};

/// Why a next hop is this very host.
struct Match {
  std::string proof;  ///< "192.0.2.1:25 is our listener 0.0.0.0:25"
  std::string key;    ///< the configuration key that says so; "" if none does
};

/// Is `hop` ourselves? `chosen`: the operator named this host (a smart host); then a name or a
/// loopback address counts only with a port where we listen: another port is another program.
std::optional<Match> find_match(const Identity& self, const Hop& hop, bool chosen);

}  // namespace postrider::loopback
