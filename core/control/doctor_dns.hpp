// SPDX-License-Identifier: MIT
// Our name servers: does each answer, how soon, and is it on this machine? Slow DNS is what made
// banners slow (Q258745, Q286375).
#pragma once

#include <optional>

#include <postrider/dns.hpp>
#include <postrider/ip_address.hpp>
#include <postrider/loop.hpp>

#include "control/finding.hpp"

namespace postrider::control {

struct NameServerFacts {
  SocketAddress server;
  Duration took{};
  std::optional<DnsFailure> failure{};  ///< nxdomain and nodata are answers too
};

/// [loop thread, may suspend] Ask `dns`, which knows that server alone, for the addresses of
/// `name`. `loop` and `dns` outlive the task.
Task<NameServerFacts> time_name_server(Loop& loop, Dns& dns, SocketAddress server,
                                       std::string name);

Finding check_name_server(const NameServerFacts& facts);

}  // namespace postrider::control
