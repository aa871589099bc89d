// SPDX-License-Identifier: MIT
// Two connected streams in memory, for the dialogs of tests: what one end writes the other reads.
#pragma once

#include <utility>

#include "runtime/runtime.hpp"
#include "runtime/sim/memory_link.hpp"

namespace postrider::runtime {

/// The addresses the first end sees; the second sees them the other way round.
struct PairAddresses {
  SocketAddress local;
  SocketAddress remote;
};

/// Both ends on one loop. Without options octets arrive at once.
std::pair<StreamPtr, StreamPtr> make_stream_pair(Loop& loop, const LinkOptions& options = {},
                                                 const PairAddresses& addresses = {});
/// The first end on one loop, the second on another; both loops of one thread.
std::pair<StreamPtr, StreamPtr> make_stream_pair(Loop& first, Loop& second,
                                                 const LinkOptions& options,
                                                 const PairAddresses& addresses);

}  // namespace postrider::runtime
