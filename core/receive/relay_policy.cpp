// SPDX-License-Identifier: MIT
#include "receive/relay_policy.hpp"

#include <algorithm>

namespace postrider::receive {

RelayPolicy::RelayPolicy(std::vector<Network> networks, std::vector<std::string> relay_domains,
                         std::vector<std::string> local_domains)
    : networks_(std::move(networks)) {
  for (const auto* list : {&relay_domains, &local_domains}) {
    for (const std::string& entry : *list) {
      std::string domain = lower(entry);
      if (domain.starts_with("*.")) domain.erase(0, 1);
      (domain.starts_with('.') ? suffixes_ : domains_).push_back(std::move(domain));
    }
  }
  std::ranges::sort(domains_);
}

bool RelayPolicy::is_trusted(const IpAddress& client) const noexcept {
  return std::ranges::any_of(networks_,
                             [&](const Network& network) { return network.contains(client); });
}

bool RelayPolicy::is_served(const Path& recipient) const {
  const std::string domain = recipient.domain_key();
  if (domain.empty()) return true;  // the bare Postmaster: nothing else parses without a domain
  if (std::ranges::binary_search(domains_, domain)) return true;
  return std::ranges::any_of(suffixes_, [&](const std::string& suffix) {
    return domain.size() > suffix.size() && domain.ends_with(suffix);
  });
}

}  // namespace postrider::receive
