// SPDX-License-Identifier: MIT
// What a command that works without the daemon answers: for people, for programs, for the shell.
#pragma once

#include <string>

#include "control/control_json.hpp"

namespace postrider::control {

struct Answer {
  std::string text;
  Json json;
  int exit_code = 0;
};

}  // namespace postrider::control
