// SPDX-License-Identifier: MIT
// The commands of the control socket: words in, JSON out. One table row a command.
#pragma once

#include <string>
#include <vector>

#include "control/daemon.hpp"

namespace postrider::control {

/// Answers one request line, {"words": ["queue", "list"], "options": {"sender": "*@example.org"}},
/// with one line of JSON; a mistake is {"error": "..."}. Never throws.
Task<std::string> answer(Daemon& daemon, std::string request);

}  // namespace postrider::control
