// SPDX-License-Identifier: MIT
// The tool's end of the control socket: one request, one answer, blocking.
#pragma once

#include <expected>
#include <string>

#include "control/control_json.hpp"

namespace postrider::control {

/// The error is a sentence for the operator: no daemon, no permission, no sense.
std::expected<Json, std::string> ask(const std::string& socket_path, const Json& request);

}  // namespace postrider::control
