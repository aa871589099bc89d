// SPDX-License-Identifier: MIT
#include "control/name_servers.hpp"

#include <fstream>
#include <sstream>

#include "dns/resolver.hpp"

namespace postrider::control {

std::expected<SocketAddress, std::string> parse_name_server(const std::string& text) {
  if (const auto address = IpAddress::parse(text)) return SocketAddress{*address, 53};
  if (const auto socket = SocketAddress::parse(text)) return *socket;
  return std::unexpected("\"" + text + "\" is no address; write for example 127.0.0.1");
}

std::vector<SocketAddress> system_name_servers() {
  std::ifstream file("/etc/resolv.conf");
  std::ostringstream text;
  text << file.rdbuf();
  return dns::servers_from_resolv_conf(text.str());
}

}  // namespace postrider::control
