// SPDX-License-Identifier: MIT
// After a start: what the store kept goes to the queues again, each message with the state it had.
#pragma once

#include <postrider/log.hpp>

#include "queue/peers.hpp"

namespace postrider::queue {

/// Recovers `store` and posts its messages to the queues that joined `peers`, in order of id. Call
/// once, before the loops run and before the first commit. Damage is logged, never fatal.
store::Result<store::Recovered> recover(store::Store& store, const Peers& peers, Log& log);

}  // namespace postrider::queue
