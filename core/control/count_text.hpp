// SPDX-License-Identifier: MIT
// `postrider queue count` for people: a table, the largest groups first.
#pragma once

#include <string>

#include "control/control_json.hpp"

namespace postrider::control {

/// By state; or by time since arrival, as Postfix's qshape shows it.
std::string count_text(const Json& answer, bool by_age);

}  // namespace postrider::control
