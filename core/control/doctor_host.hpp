// SPDX-License-Identifier: MIT
// The machine: is the host name a full one and ours, are there enough descriptors, is the clock
// sane. Pure judgement of facts; doctor.cpp gathers them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <postrider/dns.hpp>
#include <postrider/time.hpp>

#include "control/finding.hpp"

namespace postrider::control {

/// RFC 5321 section 4.1.1.1: EHLO takes a fully qualified name.
Finding check_hostname(const std::string& hostname);

/// `interfaces`: our addresses; `public_addresses`: those the operator says NAT gives us.
Finding check_own_address(const std::string& hostname, const DnsResult<IpAddress>& found,
                          const std::vector<IpAddress>& interfaces,
                          const std::vector<IpAddress>& public_addresses);

/// Whether server.user and server.group, if they are named, exist on this machine.
Findings check_account(const std::string& user, bool has_user, const std::string& group,
                       bool has_group);

/// RLIMIT_NOFILE of this shell and what the sessions need.
Finding check_descriptors(std::uint64_t soft, std::uint64_t hard, std::uint64_t max_sessions);

/// `drift`: by how much the calendar moved against the monotonic clock during `watched`.
Finding check_clock(WallTime now, Duration drift, Duration watched);

}  // namespace postrider::control
