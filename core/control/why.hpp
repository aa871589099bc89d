// SPDX-License-Identifier: MIT
// postrider why: one answer to "it is queued; why does it not go?" State, reason and next step of
// each recipient, and for each destination its health, its route with the TTL left, and the
// transcript of the last attempt. What is not known says why it is not.
#pragma once

#include <optional>
#include <string>

#include "control/control_json.hpp"

namespace postrider::control {

/// The message as `queue list` shows it, with `next` in each of `recipients` and, beside them,
/// `destinations`: [{`destination`, `health`, `route`, `last_attempt`}]; each of the last three may
/// be {`unavailable`: why}. Nothing: there is no such message.
Task<std::optional<Json>> why(Daemon& daemon, std::string queue_id);

}  // namespace postrider::control
