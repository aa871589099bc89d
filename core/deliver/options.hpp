// SPDX-License-Identifier: MIT
// What an operator may set about delivery by SMTP. The limits of time are the least that RFC 5321
// section 4.5.3.2 asks for, unless noted.
#pragma once

#include <cstddef>
#include <string>

#include <postrider/ip_address.hpp>
#include <postrider/time.hpp>

#include "queue/destination_rules.hpp"
#include "route/mx_lookup.hpp"

namespace postrider::deliver {

using queue::ConnectionLimits;

struct Options {
  std::string helo = "localhost";  ///< what we call ourselves: a host name or an address literal
  IpAddress source;                ///< where connections come from; unspecified: the system chooses

  ConnectionLimits limits{.connect = 30s,  // per address (not in the RFC)
                          .greeting = 5min,
                          .hello = 5min,
                          .mail = 5min,
                          .rcpt = 5min,
                          .data_init = 2min,
                          .data_block = 3min,
                          .data_end = 10min,
                          .quit = 10s,
                          .idle_connection = 2s,
                          .max_messages = 1000};
  Duration head_start = 250ms;  ///< of an address before the next one is tried (RFC 8305)

  std::size_t max_recipients = 100;  ///< of a transaction (RFC 5321 section 4.5.3.1.8)
  std::size_t max_addresses = 20;    ///< tried in one attempt

  route::Options route;                ///< its port is the default port
  queue::DestinationRulesPtr rules{};  ///< the operator's own limits for some destinations; or null

  /// `limits`, as the rules have them for this destination.
  ConnectionLimits limits_to(const Destination& destination) const;
};

}  // namespace postrider::deliver
