// SPDX-License-Identifier: MIT
// The daemon's answers as text for people.
#pragma once

#include <string>

#include "control/control_json.hpp"

namespace postrider::control {

std::string status_text(const Json& answer);
/// `is_filtered`: not all messages were asked for.
std::string list_text(const Json& answer, bool is_filtered);
/// One message: where each recipient is, why, what happens next, and its header.
std::string message_text(const Json& answer);
/// `named`: only these, "*" for anything, with the limits in force; empty: all, in short.
std::string destinations_text(const Json& answer, const std::string& named = {});
std::string plugins_text(const Json& answer, const std::string& order_of_hook);
/// The route cache: each answer, where it came from, how long it lives, how it fared.
std::string routes_text(const Json& answer, const std::string& domain);
/// `change`: retry, hold, release, remove, bounce or give-up.
std::string change_text(const Json& answer, const std::string& change);
std::string reload_text(const Json& answer);
std::string stop_text(const Json& answer);

}  // namespace postrider::control
