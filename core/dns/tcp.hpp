// SPDX-License-Identifier: MIT
// Questions over TCP (RFC 7766), for the answers that do not fit into a datagram; udns has none.
#pragma once

#include "dns/packet.hpp"
#include "runtime/runtime.hpp"

namespace postrider::dns {

/// The whole exchange may take this long.
inline constexpr Duration kTcpLimit = 5s;

/// Ask `server` once over a connection of its own. The outcome is never `truncated`.
Task<Reply> ask_over_tcp(runtime::Runtime& runtime, SocketAddress server, Question question);

}  // namespace postrider::dns
