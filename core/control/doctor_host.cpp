// SPDX-License-Identifier: MIT
#include "control/doctor_host.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <postrider/path.hpp>

#include "control/doctor_names.hpp"

namespace postrider::control {

namespace {

std::string joined(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> texts;
  for (const IpAddress& address : addresses) texts.push_back(address.text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

bool is_among(const IpAddress& address, const std::vector<IpAddress>& addresses) {
  return std::ranges::find(addresses, address) != addresses.end();
}

}  // namespace

Finding check_hostname(const std::string& hostname) {
  constexpr std::string_view kAdvice =
      "write hostname = \"mail.example.org\", with your own name, at the top of the configuration";
  const std::string name = lower(hostname);
  if (!is_host_name(name))
    return wrong("host.name", fmt::format("\"{}\" is no host name", printable(hostname)),
                 std::string(kAdvice));
  if (!name.contains('.') || name == "localhost.localdomain" || name.ends_with(".local"))
    return wrong(
        "host.name",
        fmt::format("\"{}\" is not fully qualified; remote hosts may refuse our EHLO", name),
        std::string(kAdvice));
  return ok("host.name", name + " is fully qualified");
}

Finding check_own_address(const std::string& hostname, const DnsResult<IpAddress>& found,
                          const std::vector<IpAddress>& interfaces,
                          const std::vector<IpAddress>& public_addresses) {
  if (!found) return no_address("host.address", hostname, hostname, found.error());
  for (const IpAddress& address : found->records) {
    if (is_among(address, interfaces))
      return ok("host.address",
                fmt::format("{} is {}, an address of this machine", hostname, address.text()));
    if (is_among(address, public_addresses))
      return ok("host.address",
                fmt::format("{} is {}, the public address given", hostname, address.text()));
  }
  return warning("host.address",
                 fmt::format("{} is {}, but this machine has {}", hostname, joined(found->records),
                             interfaces.empty() ? "no address but loopback" : joined(interfaces)),
                 fmt::format("behind NAT that is right: say --public {}; else correct the A record "
                             "of {}",
                             found->records.front().text(), hostname));
}

Findings check_account(const std::string& user, bool has_user, const std::string& group,
                       bool has_group) {
  Findings findings;
  if (!user.empty() && !has_user)
    findings.push_back(wrong("host.account", fmt::format("there is no account \"{}\"", user),
                             "make it (systemd-sysusers does), or correct server.user"));
  if (!group.empty() && !has_group)
    findings.push_back(wrong("host.account", fmt::format("there is no group \"{}\"", group),
                             "make it, or correct server.group"));
  if (findings.empty() && !user.empty())
    findings.push_back(ok("host.account", fmt::format("the account {} exists", user)));
  return findings;
}

Finding check_descriptors(std::uint64_t soft, std::uint64_t hard, std::uint64_t max_sessions) {
  // One for each session, and room for deliveries, listeners, name servers, logs and the store.
  const std::uint64_t needed = max_sessions + std::max<std::uint64_t>(max_sessions / 4, 128);
  const std::string found = fmt::format("{} file descriptors for {} sessions", soft, max_sessions);
  if (soft >= needed) return ok("host.descriptors", found);
  const std::string advice =
      soft < hard && hard >= needed
          ? fmt::format("set LimitNOFILE={} in the unit, or ulimit -n {}", needed, needed)
          : fmt::format("raise the hard limit ({}) to {}, or lower smtp.max_sessions", hard,
                        needed);
  return warning("host.descriptors",
                 fmt::format("{}; about {} are needed (measured in this shell, not in the daemon)",
                             found, needed),
                 advice);
}

Finding check_clock(WallTime now, Duration drift, Duration watched) {
  const std::chrono::year_month_day date(std::chrono::floor<std::chrono::days>(now));
  const int year = static_cast<int>(date.year());
  if (year < 2024 || year > 2100)
    return wrong(
        "host.clock", fmt::format("the clock says the year is {}", year),
        "set the clock; run an NTP client: dates of mail and the ages of the queue need it");
  const auto off = std::chrono::abs(drift);
  if (off > 100ms && off > watched / 100)
    return warning("host.clock",
                   fmt::format("the clock moved {} ms against the monotonic one within {} ms",
                               drift.count(), watched.count()),
                   "see what sets the clock; an NTP client should slew it, not step it");
  return ok("host.clock", fmt::format("the year is {}, the clock runs evenly", year));
}

}  // namespace postrider::control
