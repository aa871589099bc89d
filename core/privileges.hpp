// SPDX-License-Identifier: MIT
// From root to an account of one's own, after the ports are open.
#pragma once

#include <expected>
#include <string>

namespace postrider {

/// Become `user` and `group` in every thread; empty: no change. The error names the key.
std::expected<void, std::string> drop_privileges(const std::string& user, const std::string& group);

}  // namespace postrider
