// SPDX-License-Identifier: MIT
// The order in which hosts are tried is drawn afresh for each delivery (RFC 5321 section 5.1):
// a kept answer must not send everything to the same one of several equal hosts.
#pragma once

#include <random>

#include <postrider/route.hpp>

namespace postrider::route_cache {

/// Shuffles hosts of equal preference, and each host's addresses within their family (IPv6 and IPv4
/// keep taking turns as they did).
void shuffle(Route& route, std::mt19937_64& random);

}  // namespace postrider::route_cache
