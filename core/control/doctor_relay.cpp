// SPDX-License-Identifier: MIT
#include "control/doctor_relay.hpp"

#include <charconv>

#include <fmt/format.h>

#include <postrider/ip_address.hpp>

namespace postrider::control {

namespace {

/// Of a network in CIDR form; a lone address has no slash and is narrow.
unsigned prefix_of(std::string_view network) {
  const std::size_t slash = network.find('/');
  unsigned prefix = 128;
  if (slash != network.npos)
    std::from_chars(network.data() + slash + 1, network.data() + network.size(), prefix);
  return prefix;
}

Finding check_network(const std::string& network) {
  const std::string check = "relay.networks";
  if (prefix_of(network) == 0)
    return wrong(check, fmt::format("{} is everybody: an open relay", network),
                 "take it out of relay.networks; name only your own networks");
  const unsigned widest_sane = network.contains(':') ? 32 : 8;
  if (prefix_of(network) < widest_sane)
    return warning(check, fmt::format("{} is wider than any one network", network),
                   "name only your own networks in relay.networks");
  return ok(check, network + " may send anywhere");
}

}  // namespace

Findings check_relay(const std::vector<std::string>& networks,
                     const std::vector<std::string>& domains) {
  Findings findings;
  if (networks.empty())
    findings.push_back(ok("relay.networks", "closed: no client network may send anywhere"));
  for (const std::string& network : networks) findings.push_back(check_network(network));
  for (const std::string& domain : domains) {
    const bool is_all = domain == "*" || domain == "." || domain == "*.";
    const bool is_top = (domain.starts_with('.') || domain.starts_with("*.")) &&
                        domain.find('.', domain.find('.') + 1) == domain.npos;
    if (is_all)
      findings.push_back(wrong("relay.domains",
                               fmt::format("\"{}\" is every domain: an open relay", domain),
                               "take it out of relay.domains; name your own domains"));
    else if (is_top)
      findings.push_back(warning("relay.domains",
                                 fmt::format("\"{}\" is a whole top-level domain", domain),
                                 "name only domains in relay.domains that you relay for"));
  }
  return findings;
}

}  // namespace postrider::control
