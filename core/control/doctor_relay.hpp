// SPDX-License-Identifier: MIT
// Is this an open relay? Judged from the configuration alone.
#pragma once

#include <string>
#include <vector>

#include "control/finding.hpp"

namespace postrider::control {

/// relay.networks and relay.domains as they stand in the configuration.
Findings check_relay(const std::vector<std::string>& networks,
                     const std::vector<std::string>& domains);

}  // namespace postrider::control
