// SPDX-License-Identifier: MIT
// The answer of `postrider why` as text: first what the operator wants to know, then the evidence.
#pragma once

#include <string>

#include "control/control_json.hpp"

namespace postrider::control {

std::string why_text(const Json& answer);

}  // namespace postrider::control
