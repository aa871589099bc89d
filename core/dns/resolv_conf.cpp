// SPDX-License-Identifier: MIT
// resolv.conf(5), read by ourselves: udns would look at the environment too and search domains,
// which must never change where mail goes.
#include <algorithm>

#include "dns/resolver.hpp"

namespace postrider::dns {
namespace {

constexpr std::uint16_t kPort = 53;
constexpr std::size_t kMaxServers = 3;
constexpr std::string_view kBlank = " \t\r";

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const auto word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

}  // namespace

std::vector<SocketAddress> servers_from_resolv_conf(std::string_view text) {
  std::vector<SocketAddress> servers;
  while (!text.empty() && servers.size() < kMaxServers) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (next_word(line) != "nameserver") continue;
    if (const auto address = IpAddress::parse(next_word(line)))
      servers.push_back({*address, kPort});
  }
  if (servers.empty()) {
    constexpr std::array<std::uint8_t, 4> kLoopback{127, 0, 0, 1};
    servers.push_back({IpAddress(std::span(kLoopback)), kPort});
  }
  return servers;
}

}  // namespace postrider::dns
