// SPDX-License-Identifier: MIT
// From a destination to its next hops: RFC 5321 section 5.1 (MX, implicit MX, address literals),
// RFC 7505 (null MX), and smart hosts. Failures of DNS delay mail, they never fail it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <postrider/dns.hpp>
#include <postrider/loop.hpp>
#include <postrider/route.hpp>

namespace postrider::route {

struct Options {
  std::uint16_t port = 25;           ///< for destinations without one
  std::size_t max_hosts = 20;        ///< of a destination; worse ones are not looked at
  std::size_t max_addresses = 10;    ///< of a host
  std::size_t parallel_lookups = 5;  ///< address lookups of one destination at a time
  /// Names this host answers to, lower case: an MX of that name and all not better are dropped
  /// (RFC 5321 section 5.1: no loops).
  std::vector<std::string> own_names;
  std::uint64_t seed = 0;  ///< for the order of equal preferences
};

/// [loop thread] Holds no cache: the resolver's answers carry their TTL, and so does the route.
class MxLookup {
 public:
  /// `clock` is the loop of `dns`.
  MxLookup(Dns& dns, const Loop& clock, Options options);
  /// For lookups that begin from now on; the seed stays.
  void set_options(Options options) { options_ = std::move(options); }

  /// [may suspend] The hosts of `destination` in the order to try, each with its addresses; or the
  /// reply that says why there are none. The lookup must outlive the task. `keep_own`: leave our
  /// own names among the hosts (a plugin finds loops).
  Task<RouteResult> find(Destination destination, bool keep_own = false);

 private:
  Task<RouteResult> find_mx(Destination destination, bool keep_own);
  Task<RouteResult> find_implicit(Destination destination, bool keep_own, TimePoint no_mx_end);
  Task<RouteResult> find_smart_host(Destination destination);
  Task<RouteResult> find_addresses(Destination destination, std::vector<MxRecord> hosts,
                                   TimePoint end);
  /// When an answer that came now ends, and how long that is from now.
  TimePoint end_of(Duration ttl) const noexcept { return clock_.now() + ttl; }
  Duration until(TimePoint end) const noexcept;
  std::vector<MxRecord> choose(std::vector<MxRecord> records);
  bool is_own(const std::string& host) const;
  std::uint16_t port_of(const Destination& destination) const noexcept;
  Hop make_hop(const Destination& destination, MxRecord host,
               std::vector<IpAddress> addresses) const;

  Dns& dns_;
  const Loop& clock_;
  Options options_;
  std::mt19937_64 random_;
};

/// The address of a literal, "[192.0.2.1]" or "[IPv6:2001:db8::1]" (RFC 5321 section 4.1.3), or of
/// a bare IP text.
std::expected<IpAddress, std::string> parse_literal(std::string_view text);

/// IPv6 and IPv4 in turn, IPv6 first, each family in its own order; at most `limit`. 0.0.0.0 and ::
/// are no addresses of anybody and left out.
std::vector<IpAddress> interleave(const std::vector<IpAddress>& addresses, std::size_t limit);

}  // namespace postrider::route
