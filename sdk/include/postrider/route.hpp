// SPDX-License-Identifier: MIT
// Where mail goes: a destination is what is queued, limited and retried together; a route is the
// next hops of a destination at this moment (RFC 5321 section 5.1).
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <postrider/dns.hpp>
#include <postrider/ip_address.hpp>
#include <postrider/reply.hpp>
#include <postrider/task.hpp>
#include <postrider/time.hpp>

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
  std::vector<Hop> hops;  ///< in the order to try: by preference, equal ones shuffled
  /// This answer may be kept so long from now, when it is handed over: until the first of the
  /// records used ends.
  Duration ttl{};
  std::string origin;  ///< "mx", "implicit mx", "literal", "smart host", "cache", ...
  /// Mail hosts that are not among the hops because DNS gave no address for them, best first: who
  /// finds that the rest is no way (RFC 5321 section 5.1) must know that a better host exists.
  std::vector<MxRecord> unresolved = {};
};

/// Why there is no route: a reply, 4yz delays, 5yz fails the recipients.
struct RouteRefusal : Reply {
  RouteRefusal() = default;
  /// `keep`: see ttl.
  RouteRefusal(Reply reply, Duration keep = {})  // NOLINT: implicit by design
      : Reply(std::move(reply)), ttl(keep) {}

  /// This refusal may be kept so long from now, as DNS says (RFC 2308: the negative TTL of the
  /// SOA); 0 if unknown. Of no meaning with a 4yz reply.
  Duration ttl{};
  bool operator==(const RouteRefusal&) const = default;
};
using RouteResult = std::expected<Route, RouteRefusal>;

/// The rest of the chain: co_await next(destination).
using RouteNext = std::function<Task<RouteResult>(const Destination&)>;

}  // namespace postrider
