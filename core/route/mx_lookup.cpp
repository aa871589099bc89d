// SPDX-License-Identifier: MIT
#include "route/mx_lookup.hpp"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>

#include <postrider/path.hpp>
#include <postrider/race.hpp>

namespace postrider::route {
namespace {

/// While a host was left out because DNS failed, the route is asked for again soon.
constexpr Duration kPartialTtl = 60s;

using Found = RouteResult;

using Refused = std::unexpected<RouteRefusal>;

Refused refuse(int code, EnhancedStatus status, std::string text, Duration ttl = {}) {
  return Refused(RouteRefusal(Reply(code, status, printable(text)), ttl));
}

Refused dns_trouble(const std::string& name, const DnsError& error) {
  return refuse(451, {4, 4, 3}, fmt::format("DNS could not answer for {}: {}", name, error.text));
}

Refused no_domain(const std::string& name, Duration ttl) {
  return refuse(550, {5, 1, 2}, fmt::format("the domain {} does not exist", name), ttl);
}

Refused no_host_name(const std::string& name, const std::string& host, Duration ttl) {
  return refuse(550, {5, 4, 4},
                fmt::format("no MX record of {} names a host: \"{}\" is no host name", name, host),
                ttl);
}

Refused loops_back(const std::string& name, Duration ttl = {}) {
  return refuse(554, {5, 4, 6}, fmt::format("mail for {} loops back to this host", name), ttl);
}

bool is_null_mx(const std::vector<MxRecord>& records) {
  return std::ranges::all_of(records, [](const MxRecord& mx) { return mx.host.empty(); });
}

}  // namespace

std::expected<IpAddress, std::string> parse_literal(std::string_view text) {
  if (!text.starts_with('[') || !text.ends_with(']')) return IpAddress::parse(text);
  text = text.substr(1, text.size() - 2);
  constexpr std::string_view kTag = "ipv6:";
  const bool tagged = equal_ignoring_case(text.substr(0, kTag.size()), kTag);
  if (tagged) text.remove_prefix(kTag.size());
  if (tagged != (text.find(':') != text.npos)) return std::unexpected("not an address literal");
  return IpAddress::parse(text);
}

std::vector<IpAddress> interleave(const std::vector<IpAddress>& addresses, std::size_t limit) {
  std::vector<IpAddress> v6;
  std::vector<IpAddress> v4;
  for (const IpAddress& address : addresses) {
    auto& family = address.is_v4() ? v4 : v6;
    if (address.is_unspecified() || std::ranges::find(family, address) != family.end()) continue;
    family.push_back(address);
    if (v6.size() >= limit && v4.size() >= limit) break;
  }
  std::vector<IpAddress> result;
  for (std::size_t i = 0; i < std::max(v6.size(), v4.size()); ++i) {
    if (i < v6.size() && result.size() < limit) result.push_back(v6[i]);
    if (i < v4.size() && result.size() < limit) result.push_back(v4[i]);
  }
  return result;
}

MxLookup::MxLookup(Dns& dns, const Loop& clock, Options options)
    : dns_(dns), clock_(clock), options_(std::move(options)), random_(options_.seed) {}

Duration MxLookup::until(TimePoint end) const noexcept {
  return std::max(std::chrono::floor<Duration>(end - clock_.now()), Duration::zero());
}

std::uint16_t MxLookup::port_of(const Destination& destination) const noexcept {
  return destination.port != 0 ? destination.port : options_.port;
}

bool MxLookup::is_own(const std::string& host) const {
  return std::ranges::find(options_.own_names, host) != options_.own_names.end();
}

Hop MxLookup::make_hop(const Destination& destination, MxRecord host,
                       std::vector<IpAddress> addresses) const {
  return Hop{std::move(host.host), host.preference, port_of(destination), std::move(addresses)};
}

Task<RouteResult> MxLookup::find(Destination destination, bool keep_own) {
  const std::string& name = destination.name;
  const auto literal = parse_literal(name);
  if (literal && (name.starts_with('[') || !destination.use_mx)) {
    Hop hop = make_hop(destination, {0, name}, {*literal});
    // An address does not change: the TTL only bounds how long a connection is kept in use.
    return Found(Route{{std::move(hop)}, 1h, "literal"});
  }
  if (name.starts_with('['))
    return Found(refuse(550, {5, 1, 2}, fmt::format("{} is not an address literal", name)));
  if (!destination.use_mx) return find_smart_host(std::move(destination));
  if (!is_host_name(name))
    return Found(refuse(550, {5, 1, 2}, fmt::format("{} is not a domain name", name)));
  return find_mx(std::move(destination), keep_own);
}

Task<RouteResult> MxLookup::find_mx(Destination destination, bool keep_own) {
  const std::string name = destination.name;
  auto answer = co_await dns_.mx(name);
  if (!answer) {
    const DnsError& error = answer.error();
    if (error.is_temporary()) co_return dns_trouble(name, error);
    if (error.failure == DnsFailure::nxdomain) co_return no_domain(name, error.ttl);
    co_return co_await find_implicit(std::move(destination), keep_own, end_of(error.ttl));
  }
  if (is_null_mx(answer->records))
    co_return refuse(556, {5, 1, 10}, fmt::format("the domain {} accepts no mail (null MX)", name),
                     answer->ttl);

  const std::string first = answer->records.front().host;
  auto hosts = choose(std::move(answer->records));
  if (hosts.empty()) co_return no_host_name(name, first, answer->ttl);
  const auto self = std::ranges::find_if(hosts, [this](auto& mx) { return is_own(mx.host); });
  if (self != hosts.end() && !keep_own) {
    const std::uint16_t preference = self->preference;
    std::erase_if(hosts, [preference](auto& mx) { return mx.preference >= preference; });
    if (hosts.empty()) co_return loops_back(name, answer->ttl);
  }
  co_return co_await find_addresses(std::move(destination), std::move(hosts), end_of(answer->ttl));
}

std::vector<MxRecord> MxLookup::choose(std::vector<MxRecord> records) {
  // Hostile answers: no name, an address for a name, the same host many times, thousands of hosts.
  std::erase_if(records, [](const MxRecord& mx) { return !is_host_name(mx.host); });
  std::ranges::shuffle(records, random_);
  std::ranges::sort(records, {}, &MxRecord::preference);  // equal ones stay in random order
  std::unordered_set<std::string> seen;
  std::erase_if(records, [&seen](const MxRecord& mx) { return !seen.insert(mx.host).second; });
  if (records.size() > options_.max_hosts) records.resize(options_.max_hosts);
  return records;
}

Task<RouteResult> MxLookup::find_implicit(Destination destination, bool keep_own,
                                          TimePoint no_mx_end) {
  const std::string name = destination.name;
  if (is_own(name) && !keep_own) co_return loops_back(name);
  auto answer = co_await dns_.addresses(name, AddressFamily::any);
  if (!answer) {
    if (answer.error().is_temporary()) co_return dns_trouble(name, answer.error());
    const Duration ttl = std::min(until(no_mx_end), answer.error().ttl);
    if (answer.error().failure == DnsFailure::nxdomain) co_return no_domain(name, ttl);
  }
  auto addresses =
      answer ? interleave(answer->records, options_.max_addresses) : std::vector<IpAddress>();
  if (addresses.empty())
    co_return refuse(550, {5, 4, 4},
                     fmt::format("the domain {} has neither a mail host nor an address", name),
                     std::min(until(no_mx_end), answer ? answer->ttl : answer.error().ttl));
  Hop hop = make_hop(destination, {0, name}, std::move(addresses));
  co_return Route{{std::move(hop)}, answer->ttl, "implicit mx"};
}

Task<RouteResult> MxLookup::find_smart_host(Destination destination) {
  // The operator named this host: whatever DNS says of it, the mail itself is not at fault.
  const std::string name = destination.name;
  if (!is_host_name(name))
    co_return refuse(451, {4, 3, 5}, fmt::format("the smart host {} is not a host name", name));
  auto answer = co_await dns_.addresses(name, AddressFamily::any);
  if (!answer && answer.error().is_temporary()) co_return dns_trouble(name, answer.error());
  auto addresses =
      answer ? interleave(answer->records, options_.max_addresses) : std::vector<IpAddress>();
  if (addresses.empty())
    co_return refuse(451, {4, 4, 4},
                     fmt::format("the smart host {} has no address{}{}", name, answer ? "" : ": ",
                                 answer ? "" : answer.error().text));
  Hop hop = make_hop(destination, {0, name}, std::move(addresses));
  co_return Route{{std::move(hop)}, answer->ttl, "smart host"};
}

Task<RouteResult> MxLookup::find_addresses(Destination destination, std::vector<MxRecord> hosts,
                                           TimePoint end) {
  std::vector<std::vector<IpAddress>> found(hosts.size());
  std::string trouble;
  TimePoint negative_end = end;
  bool temporary = false;
  Race<DnsResult<IpAddress>> race;
  std::size_t asked = 0;
  while (asked < hosts.size() || race.pending() > 0) {
    while (asked < hosts.size() && race.pending() < options_.parallel_lookups)
      race.add(dns_.addresses(hosts[asked++].host, AddressFamily::any));
    co_await race.next();
    while (auto done = race.take()) {
      auto& [place, answer] = *done;
      if (answer) {
        found[place] = interleave(answer->records, options_.max_addresses);
        end = std::min(end, end_of(answer->ttl));
      } else {
        // An unknown negative TTL is 0: then the whole is not kept.
        negative_end = std::min(negative_end, end_of(answer.error().ttl));
        if (!temporary) trouble = fmt::format("{}: {}", hosts[place].host, answer.error().text);
        temporary = temporary || answer.error().is_temporary();
      }
    }
  }
  Route route{{}, temporary ? std::min(until(end), kPartialTtl) : until(end), "mx"};
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (found[i].empty())
      route.unresolved.push_back(std::move(hosts[i]));
    else
      route.hops.push_back(make_hop(destination, std::move(hosts[i]), std::move(found[i])));
  }
  if (!route.hops.empty()) co_return route;
  const EnhancedStatus status = temporary ? EnhancedStatus{4, 4, 3} : EnhancedStatus{5, 4, 4};
  co_return refuse(temporary ? 451 : 550, status,
                   fmt::format("no mail host of {} has an address{}{}", destination.name,
                               trouble.empty() ? "" : ": ", trouble),
                   until(negative_end));
}

}  // namespace postrider::route
