// SPDX-License-Identifier: MIT
// The commands that hold until further notice: mode, suspended destinations, draining.
#pragma once

#include "control/control_json.hpp"
#include "control/request.hpp"

namespace postrider::control {

/// `mode`, `mode NAME`, `mode configured`.
Task<Json> mode_command(Daemon& daemon, Request request);
Task<Json> destination_suspend(Daemon& daemon, Request request);
Task<Json> destination_resume(Daemon& daemon, Request request);
/// `drain`, with the option `stop`; `drain cancel`.
Task<Json> drain_command(Daemon& daemon, Request request);

Json to_json(const ModeView& view);
Json to_json(const std::vector<queue::Suspension>& suspended);

}  // namespace postrider::control
