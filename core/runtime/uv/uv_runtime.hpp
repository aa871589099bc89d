// SPDX-License-Identifier: MIT
// The runtime of production: one libuv loop. Nothing outside this folder sees libuv.
#pragma once

#include <memory>

#include "runtime/runtime.hpp"

namespace postrider::runtime {

/// A loop of its own; one thread calls run(). Everything made by it (streams, acceptors, watches)
/// and every task on it dies before it, on its thread. Throws std::runtime_error when the system
/// gives no descriptors for it. SIGPIPE is ignored in the whole process from then on: libuv writes
/// with write(2), and a peer that is gone must be an error, not a signal.
std::unique_ptr<Runtime> make_uv_runtime();

/// An error if somebody listens on this address already; SO_REUSEPORT would let us share it.
IoResult<void> check_port(const SocketAddress& address);

}  // namespace postrider::runtime
