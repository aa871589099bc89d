// SPDX-License-Identifier: MIT
#include "order.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace postrider::route_cache {
namespace {

void shuffle_addresses(std::vector<IpAddress>& addresses, std::mt19937_64& random) {
  for (const bool family : {true, false}) {
    std::vector<IpAddress> members;
    for (const IpAddress& address : addresses)
      if (address.is_v4() == family) members.push_back(address);
    std::ranges::shuffle(members, random);
    auto next = members.begin();
    for (IpAddress& address : addresses)
      if (address.is_v4() == family) address = *next++;
  }
}

}  // namespace

void shuffle(Route& route, std::mt19937_64& random) {
  auto first = route.hops.begin();
  while (first != route.hops.end()) {
    const auto last = std::find_if(first, route.hops.end(), [first](const Hop& hop) {
      return hop.preference != first->preference;
    });
    std::shuffle(first, last, random);
    first = last;
  }
  for (Hop& hop : route.hops) shuffle_addresses(hop.addresses, random);
}

}  // namespace postrider::route_cache
