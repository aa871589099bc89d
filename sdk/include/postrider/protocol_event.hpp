// SPDX-License-Identifier: MIT
// What observers see: every connection, every line in each direction, every step in the queue.
#pragma once

#include <cstdint>
#include <string_view>

#include <postrider/ip_address.hpp>
#include <postrider/time.hpp>

namespace postrider {

enum class EventKind : std::uint8_t {
  connected,  ///< a session or attempt has its connection; text: what was connected to
  line_in,    ///< one line received, without CRLF
  line_out,   ///< one line sent, without CRLF
  data_in,    ///< message content received; `octets` counts it, text is empty
  data_out,   ///< message content sent
  closed,     ///< the connection is over; text: who closed, in which phase
  banner,     ///< our greeting was sent; `elapsed` is the time to banner; text: why it was slow
  accepted,   ///< a message was committed; text: its queue id
  refused,    ///< a plugin or the policy refused; text: who and why
  attempt,    ///< a delivery attempt begins; text: queue id, destination, from=<>, to=<>
  outcome,    ///< a recipient's outcome; text: queue id, address, action, status, reason
  named,      ///< the client's reverse name is known; text: "iprev=pass NAME", or why not
  unreached,  ///< no connection came about; text: queue id, why; remote: what was tried, if any
};

/// Whose conversation it is.
enum class Side : std::uint8_t { server, client };

/// Views are valid during the call only: copy what you keep.
struct ProtocolEvent {
  EventKind kind{};
  Side side{};
  std::string_view id;  ///< session or attempt id
  SocketAddress local;
  SocketAddress remote;
  TimePoint at{};
  Duration elapsed{};     ///< since the connection was accepted or begun
  std::string_view text;  ///< raw: may hold anything the peer sent
  std::uint64_t octets = 0;
  bool secret = false;  ///< the text holds credentials: mask it
  bool failed = false;  ///< closed, outcome, unreached: it did not end as it should
};

}  // namespace postrider
