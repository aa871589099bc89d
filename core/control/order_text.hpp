// SPDX-License-Identifier: MIT
// The standing orders for people: what is taken, what is tried, what is suspended.
#pragma once

#include <string>

#include "control/control_json.hpp"

namespace postrider::control {

/// Answer of `mode` and of `destination suspend` and `resume`.
std::string orders_text(const Json& answer);
std::string drain_text(const Json& answer);
/// The line of `status`; "" if all is as usual.
std::string orders_line(const Json& answer);

}  // namespace postrider::control
