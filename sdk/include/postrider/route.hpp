// SPDX-License-Identifier: MIT
// Where mail goes: a destination is what is queued, limited and retried together; a route is the
// next hops of a destination at this moment (RFC 5321 section 5.1).
#pragma once

#include <postrider/ip_address.hpp>
#include <postrider/reply.hpp>
#include <postrider/task.hpp>

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

namespace postrider {

/// What concurrency, back-off and connection reuse are counted by. Owned by exactly one loop.
struct Destination {
  /// "smtp", or the id of a plugin with a TransportHook.
  std::string transport = "smtp";
  /// A domain (its MX are looked up), a host, or an address literal; lower case.
  std::string name;
  /// TCP port; 0: the transport's default.
  std::uint16_t port = 0;
  /// Look up MX of `name`; false: `name` is the next hop itself (smart host).
  bool use_mx = true;

  /// "example.org", "[relay.example]:2525", "maildir:example.org": unique, for people and as a key.
  std::string text() const;
  bool operator==(const Destination&) const = default;
};

/// One host of a route.
struct Hop {
  std::string name;  ///< host name, or the literal
  std::uint16_t preference = 0;
  std::uint16_t port = 25;
  std::vector<IpAddress> addresses;  ///< in the order to try; never empty
};

struct Route {
  std::vector<Hop> hops;    ///< in the order to try: by preference, equal ones shuffled
  std::uint32_t ttl = 0;    ///< seconds this answer may be kept: the smallest TTL used
  std::string origin;       ///< "mx", "implicit mx", "literal", "smart host", "cache", ...
};

/// A refusal is a reply: 4yz delays, 5yz fails the recipients.
using RouteResult = std::expected<Route, Reply>;

/// The rest of the chain: co_await next(destination).
using RouteNext = std::function<Task<RouteResult>(const Destination&)>;

}  // namespace postrider
