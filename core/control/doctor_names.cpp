// SPDX-License-Identifier: MIT
#include "control/doctor_names.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <postrider/path.hpp>

namespace postrider::control {

namespace {

std::string joined(const std::vector<IpAddress>& addresses) {
  std::vector<std::string> texts;
  for (const IpAddress& address : addresses) texts.push_back(address.text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

bool contains(const std::vector<IpAddress>& addresses, const IpAddress& address) {
  return std::ranges::find(addresses, address) != addresses.end();
}

/// In few words: "no such name".
std::string why_no_answer(const DnsError& error) {
  if (error.failure == DnsFailure::nxdomain) return "no such name";
  if (error.failure == DnsFailure::nodata) return "the name has no address records";
  return error.text;
}

std::string address_type(const IpAddress& address) {
  return address.is_v4() ? "A" : "AAAA";
}

/// One examination under way; lives in the frame of examine_names().
class NameExamination {
 public:
  NameExamination(Dns& dns, NameFacts facts) : dns_(dns), facts_(std::move(facts)) {}

  Task<Findings> run() {
    const std::vector<std::string> hosts = co_await examine_mx();
    for (const std::string& host : hosts) co_await examine_host(host);
    const bool named = std::ranges::find(hosts, facts_.hostname) != hosts.end();
    if (!named) co_await examine_host(facts_.hostname);
    judge_ours(hosts);
    for (const Seen& seen : seen_) co_await examine_ptr(seen);
    co_return std::move(findings_);
  }

 private:
  /// An address and the host whose it is.
  struct Seen {
    IpAddress address;
    std::string host;
  };

  void add(Finding finding) { findings_.push_back(std::move(finding)); }

  /// Step 1. The hosts to look at.
  Task<std::vector<std::string>> examine_mx() {
    const auto found = co_await dns_.mx(facts_.domain);
    if (!found) {
      judge_no_mx(found.error());
      if (found.error().failure != DnsFailure::nodata) co_return std::vector<std::string>();
      co_return std::vector{facts_.domain};  // the implicit MX, RFC 5321 section 5.1
    }
    std::vector<MxRecord> records = found->records;
    std::ranges::sort(records, {},
                      [](const MxRecord& r) { return std::pair(r.preference, r.host); });
    std::vector<std::string> hosts, texts;
    for (const MxRecord& record : records) {
      texts.push_back(fmt::format("{} {}", record.preference, printable(record.host)));
      if (is_host_name(record.host)) {
        hosts.push_back(record.host);
      } else {
        judge_bad_mx(record.host);
      }
    }
    if (!hosts.empty())
      add(ok("names.mx", fmt::format("{} has MX {}", facts_.domain, fmt::join(texts, ", "))));
    co_return hosts;
  }

  void judge_no_mx(const DnsError& error) {
    const std::string record = fmt::format("{}. IN MX 10 {}.", facts_.domain, facts_.hostname);
    if (error.failure == DnsFailure::nodata)
      add(warning("names.mx",
                  fmt::format("{} has no MX; mail for it goes to the address of that very name",
                              facts_.domain),
                  fmt::format("add the record \"{}\"", record)));
    else if (error.failure == DnsFailure::nxdomain)
      add(wrong("names.mx", fmt::format("the domain {} does not exist in DNS", facts_.domain),
                fmt::format("register it, or add \"{}\"; is it the right domain?", record)));
    else
      add(wrong("names.mx",
                fmt::format("the MX of {} cannot be looked up: {}", facts_.domain, error.text),
                "check our name servers below, then those of the domain"));
  }

  void judge_bad_mx(const std::string& host) {
    if (host.empty())
      add(warning("names.mx",
                  fmt::format("{} has a null MX: it accepts no mail (RFC 7505)", facts_.domain),
                  fmt::format("remove that record if {} is to get mail", facts_.domain)));
    else
      add(wrong("names.mx",
                fmt::format("the MX \"{}\" of {} is no host name", printable(host), facts_.domain),
                "an MX names a host, never an address; correct the MX record"));
  }

  /// Step 2.
  Task<void> examine_host(std::string host) {
    const bool is_mx = host != facts_.hostname;
    const std::string_view title = !is_mx                  ? "our host"
                                   : host == facts_.domain ? "the domain"
                                                           : "the MX";
    const auto found = co_await dns_.addresses(host, AddressFamily::any);
    if (!found) {
      add(no_address("names.address", fmt::format("{} {}", title, host), host, found.error(),
                     is_mx ? ", or take it out of the MX records" : ""));
      co_return;
    }
    if (found->aliases > 0)
      add(wrong(
          "names.address",
          fmt::format("{} {} is an alias (CNAME), to {}", title, host, joined(found->records)),
          fmt::format("give {} an A record of its own instead of the CNAME: an MX and an "
                      "EHLO name a host (RFC 2181 section 10.3)",
                      host)));
    else
      judge_addresses(host, found->records);
    for (const IpAddress& address : found->records)
      if (std::ranges::find(seen_, address, &Seen::address) == seen_.end())
        seen_.push_back({address, host});
    if (!is_mx) our_addresses_ = found->records;
  }

  void judge_addresses(const std::string& host, const std::vector<IpAddress>& addresses) {
    std::vector<IpAddress> hidden;
    std::ranges::copy_if(addresses, std::back_inserter(hidden), [](const IpAddress& address) {
      return address.is_loopback() || address.is_unspecified() || address.is_private();
    });
    if (hidden.empty())
      add(ok("names.address", fmt::format("{} has address {}", host, joined(addresses))));
    else
      add(warning(
          "names.address",
          fmt::format("{} has address {}, which the internet cannot reach", host, joined(hidden)),
          fmt::format("if {} takes mail from outside, publish its public address", host)));
  }

  bool is_ours(const Seen& seen) const {
    return seen.host == facts_.hostname || contains(our_addresses_, seen.address) ||
           contains(facts_.own_addresses, seen.address);
  }

  /// Is this host among the hosts of the domain?
  void judge_ours(const std::vector<std::string>& hosts) {
    const bool any = std::ranges::any_of(seen_, [&](const Seen& seen) {
      return std::ranges::find(hosts, seen.host) != hosts.end() && is_ours(seen);
    });
    if (!any && !hosts.empty())
      add(warning("names.mx",
                  fmt::format("no MX of {} leads to this host, {}", facts_.domain, facts_.hostname),
                  fmt::format("right if it only sends; else add \"{}. IN MX 10 {}.\"",
                              facts_.domain, facts_.hostname)));
  }

  /// Steps 3 to 5.
  Task<void> examine_ptr(Seen seen) {
    const auto found = co_await dns_.ptr(seen.address);
    if (!found) {
      judge_no_ptr(seen, found.error());
      co_return;
    }
    std::vector<std::string> names;
    for (const std::string& name : found->records)
      if (is_host_name(name)) names.push_back(lower(name));
    if (names.empty()) {
      grade(seen, "names.ptr",
            fmt::format("the PTR of {} is no host name: \"{}\"", seen.address.text(),
                        printable(found->records.front())),
            ptr_advice(seen));
      co_return;
    }
    add(ok("names.ptr", fmt::format("{} has PTR {}", seen.address.text(), fmt::join(names, ", "))));
    co_await examine_agreement(seen, std::move(names));
  }

  /// Step 4: does a name lead back?
  Task<void> examine_agreement(Seen seen, std::vector<std::string> names) {
    std::vector<std::string> disagreements;
    for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 10); ++i) {
      const auto back = co_await dns_.addresses(names[i], AddressFamily::any);
      if (back && contains(back->records, seen.address)) {
        add(ok("names.agree", fmt::format("{} leads back to {}", names[i], seen.address.text())));
        judge_seen(seen, names, names[i]);
        co_return;
      }
      disagreements.push_back(fmt::format("{} has {}", names[i],
                                          back ? "address " + joined(back->records)
                                               : "no address, " + why_no_answer(back.error())));
    }
    grade(seen, "names.agree",
          fmt::format("the PTR of {} does not lead back to it: {}", seen.address.text(),
                      fmt::join(disagreements, "; ")),
          fmt::format("{}, or add \"{}. IN {} {}\"", ptr_advice(seen), names.front(),
                      address_type(seen.address), seen.address.text()));
  }

  /// Step 5: what the other side has when we connect.
  void judge_seen(const Seen& seen, const std::vector<std::string>& names,
                  const std::string& confirmed) {
    if (!is_ours(seen)) return;
    const std::string sight = fmt::format("a remote host sees {} [{}] say EHLO {}", confirmed,
                                          seen.address.text(), facts_.hostname);
    if (std::ranges::find(names, facts_.hostname) != names.end())
      add(ok("names.seen", sight + ": all agree"));
    else
      add(warning("names.seen", sight + ": the names differ, and some hosts mind",
                  fmt::format("let hostname and PTR be the same name: {}, or write hostname = "
                              "\"{}\" in the configuration",
                              ptr_advice(seen), confirmed)));
  }

  void judge_no_ptr(const Seen& seen, const DnsError& error) {
    if (error.is_temporary())
      grade(seen, "names.ptr",
            fmt::format("the PTR of {} cannot be looked up: {}", seen.address.text(), error.text),
            "remote hosts have the same trouble and may wait for it (Q258745); check the servers "
            "of " +
                seen.address.reverse_name());
    else
      grade(seen, "names.ptr",
            fmt::format("{} has no PTR; remote hosts may drop our connections (Q190026)",
                        seen.address.text()),
            ptr_advice(seen));
  }

  static std::string ptr_advice(const Seen& seen) {
    return fmt::format("have whoever runs the network set \"{}. IN PTR {}.\"",
                       seen.address.reverse_name(), seen.host);
  }

  /// Wrong for addresses that we send from; for other hosts of the domain a warning.
  void grade(const Seen& seen, std::string check, std::string text, std::string advice) {
    add({is_ours(seen) ? Grade::wrong : Grade::warning, std::move(check), std::move(text),
         std::move(advice)});
  }

  Dns& dns_;
  NameFacts facts_;
  Findings findings_;
  std::vector<Seen> seen_;
  std::vector<IpAddress> our_addresses_;  // of the host name, in DNS
};

}  // namespace

Task<Findings> examine_names(Dns& dns, NameFacts facts) {
  NameExamination examination(dns, std::move(facts));
  co_return co_await examination.run();
}

std::string domain_of(const std::string& hostname) {
  const std::size_t first = hostname.find('.');
  if (first == hostname.npos || hostname.find('.', first + 1) == hostname.npos) return hostname;
  return hostname.substr(first + 1);
}

Finding no_address(std::string check, const std::string& title, const std::string& host,
                   const DnsError& error, std::string_view or_else) {
  if (error.is_temporary())  // the record may well be there
    return wrong(std::move(check),
                 fmt::format("the address of {} cannot be looked up: {}", title, error.text),
                 "check our name servers below, then those of the domain");
  return wrong(std::move(check), fmt::format("{} has no address: {}", title, why_no_answer(error)),
               fmt::format("add an A record for {}{}", host, or_else));
}

}  // namespace postrider::control
