// SPDX-License-Identifier: MIT
// From root to an account of one's own, that may still open the ports below 1024 and nothing else.
#pragma once

#include <expected>
#include <string>

namespace postrider {

/// [before any other thread] Become `user` and `group`; empty: no change. Of root's capabilities
/// only CAP_NET_BIND_SERVICE stays, for this thread and those it starts. The error names the key.
std::expected<void, std::string> drop_privileges(const std::string& user, const std::string& group);

}  // namespace postrider
