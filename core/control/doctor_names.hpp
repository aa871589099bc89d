// SPDX-License-Identifier: MIT
// The five steps of Q190026, for our own host and domain: MX of the domain, address of each MX, PTR
// of each address, that the names agree, and what a remote host therefore sees. RFC 5321 sections
// 4.1.4 and 5.1, RFC 7505, RFC 2181 section 10.3, RFC 8601 section 2.7.3 ("iprev").
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <postrider/dns.hpp>

#include "control/finding.hpp"

namespace postrider::control {

struct NameFacts {
  std::string domain;                    ///< lower case
  std::string hostname;                  ///< what we say after EHLO; lower case
  std::vector<IpAddress> own_addresses;  ///< of our interfaces, and public ones we were told of
};

/// [loop thread, may suspend] `dns` outlives the task.
Task<Findings> examine_names(Dns& dns, NameFacts facts);

/// The domain that a host name is in: "example.org" for "mail.example.org"; itself if it has fewer
/// than three labels.
std::string domain_of(const std::string& hostname);

/// The finding for a lookup of addresses that failed: a record to add, or name servers to check.
/// `title` is `host` in words; `or_else` is what could be done instead of adding a record.
Finding no_address(std::string check, const std::string& title, const std::string& host,
                   const DnsError& error, std::string_view or_else = "");

}  // namespace postrider::control
