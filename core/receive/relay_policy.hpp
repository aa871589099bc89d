// SPDX-License-Identifier: MIT
// May this client send to this domain? Closed by default: only what is listed is open.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <postrider/ip_address.hpp>
#include <postrider/path.hpp>

namespace postrider::receive {

/// Immutable; any thread.
class RelayPolicy {
 public:
  /// Domains are compared without case; ".example.org" and "*.example.org" mean every subdomain.
  RelayPolicy(std::vector<Network> networks, std::vector<std::string> relay_domains,
              std::vector<std::string> local_domains);

  /// relay.networks: may this client send anywhere?
  bool is_trusted(const IpAddress& client) const noexcept;
  /// relay.domains, local.domains, or the bare Postmaster (RFC 5321 section 4.5.1).
  bool is_served(const Path& recipient) const;

 private:
  std::vector<Network> networks_;
  std::vector<std::string> domains_;   // exact, lower case, sorted
  std::vector<std::string> suffixes_;  // ".example.org"
};

}  // namespace postrider::receive
