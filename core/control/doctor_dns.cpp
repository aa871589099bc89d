// SPDX-License-Identifier: MIT
#include "control/doctor_dns.hpp"

#include <utility>

#include <fmt/format.h>

namespace postrider::control {

namespace {

constexpr Duration kSlow = 500ms;
constexpr std::string_view kCheck = "dns.server";

std::string_view failure_text(DnsFailure failure) {
  switch (failure) {
    case DnsFailure::servfail:
      return "SERVFAIL";
    case DnsFailure::refused:
      return "REFUSED";
    case DnsFailure::timeout:
      return "no answer";
    case DnsFailure::malformed:
      return "an answer that makes no sense";
    default:
      return "no such record";
  }
}

}  // namespace

Task<NameServerFacts> time_name_server(Loop& loop, Dns& dns, SocketAddress server,
                                       std::string name) {
  const TimePoint began = loop.now();
  const auto found = co_await dns.addresses(std::move(name), AddressFamily::v4);
  NameServerFacts facts{.server = server,
                        .took = std::chrono::duration_cast<Duration>(loop.now() - began)};
  if (!found && found.error().is_temporary()) facts.failure = found.error().failure;
  co_return facts;
}

Finding check_name_server(const NameServerFacts& facts) {
  const std::string server = facts.server.text();
  if (facts.failure)
    return wrong(
        std::string(kCheck),
        fmt::format("{}: {} after {} ms", server, failure_text(*facts.failure), facts.took.count()),
        "see to that server or take it out of dns.servers (or resolv.conf); mail waits "
        "for each dead server");
  const std::string found =
      fmt::format("{} answers after {} ms, {}", server, facts.took.count(),
                  facts.server.address.is_loopback() ? "on this machine" : "over the network");
  if (facts.took >= kSlow)
    return warning(std::string(kCheck), found,
                   "run a caching resolver on this machine and name it in dns.servers");
  return ok(std::string(kCheck), found);
}

}  // namespace postrider::control
