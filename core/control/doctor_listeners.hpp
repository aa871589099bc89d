// SPDX-License-Identifier: MIT
// Does something answer on each address the configuration listens on, and how soon does it greet?
#pragma once

#include <string>

#include <postrider/ip_address.hpp>

#include "control/finding.hpp"
#include "control/probe_judgement.hpp"

namespace postrider::control {

/// Where to connect to reach a listener from this machine: 0.0.0.0 and :: become loopback.
SocketAddress reachable(SocketAddress listener);

/// `listener` as in the configuration; `facts` of a probe of it; `hostname` is to be in the banner.
Finding check_listener(const std::string& listener, const ProbeFacts& facts,
                       const std::string& hostname);

}  // namespace postrider::control
