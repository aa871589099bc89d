// SPDX-License-Identifier: MIT
// The commands on messages in the queue: words in, JSON out. The shapes are those of
// docs/control.md.
#pragma once

#include <string>

#include "control/control_json.hpp"
#include "control/request.hpp"

namespace postrider::control {

Task<Json> queue_list(Daemon& daemon, Request request);
/// By destination, sender or recipient: the largest groups.
Task<Json> queue_count(Daemon& daemon, Request request);
/// One message whole: its state, each recipient's reason and next step, its header block.
Task<Json> queue_show(Daemon& daemon, Request request);
/// Why one message does not go: see why.hpp.
Task<Json> queue_why(Daemon& daemon, Request request);

/// The octets of a message from an offset on, some at a time; none at the end.
Task<Json> queue_body(Daemon& daemon, Request request);

// Each answers how many recipients it changed. Only retry may mean all messages without saying so.
Task<Json> queue_retry(Daemon& daemon, Request request);
Task<Json> queue_hold(Daemon& daemon, Request request);
Task<Json> queue_release(Daemon& daemon, Request request);
Task<Json> queue_remove(Daemon& daemon, Request request);
/// Failed now; also says whether a plugin reports it to the senders.
Task<Json> queue_bounce(Daemon& daemon, Request request);
/// Counts messages.
Task<Json> queue_give_up(Daemon& daemon, Request request);

}  // namespace postrider::control
