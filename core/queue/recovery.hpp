// SPDX-License-Identifier: MIT
// After a start: what the store kept goes to the queues again, each message with the state it had.
#pragma once

#include <limits>

#include <postrider/log.hpp>

#include "queue/peers.hpp"

namespace postrider::queue {

/// Recovers `store` and posts its messages to the queues that joined `peers`, in order of id and in
/// small pieces. Call once; the loops may run and commit already. At most `pieces` are on their way
/// at any time, so that what was read and not yet taken over stays small: blocks until loops that
/// run in other threads took some. Damage is logged, never fatal.
store::Result<store::Recovered> recover(store::Store& store, Peers& peers, Log& log,
                                        unsigned pieces = std::numeric_limits<unsigned>::max());

}  // namespace postrider::queue
