// SPDX-License-Identifier: MIT
// From what happened (a reply, a broken connection, no route) to what is said of a recipient: who,
// where, in which phase, and the status of RFC 3463. Text of a next hop is hostile: it is data.
#pragma once

#include <string>
#include <string_view>

#include <postrider/outcome.hpp>

#include "runtime/byte_stream.hpp"

namespace postrider::deliver {

/// The host at the other end.
struct Remote {
  std::string host;
  SocketAddress address;
  /// "mail.example.org [192.0.2.1]", with the port unless it is 25.
  std::string text() const;
};

/// The message was taken over with `reply`.
Outcome delivered(const Remote& remote, const Reply& reply);

/// The same for one recipient: a next hop with DSN has our parameters and reports success itself;
/// one without gets a "relayed" report from us where one was asked (RFC 3461 section 5.2.2).
Outcome taken_for(const Recipient& recipient, Outcome delivered, bool has_dsn);

/// A 4yz reply delays, a 5yz reply fails; 552 at RCPT means too many recipients and delays
/// (RFC 5321 section 4.5.3.1.10). Anything else in this place is nonsense and delays.
Outcome refused(const Remote& remote, Phase phase, const Reply& reply);

/// Connecting failed, or the connection ended: delays, always.
Outcome disconnected(const Remote& remote, Phase phase, const runtime::IoError& error);

/// The peer does not speak SMTP: delays.
Outcome nonsense(const Remote& remote, Phase phase, std::string_view what);

/// The next hop lacks what this message needs: fails.
Outcome unsuitable(const Remote& remote, EnhancedStatus status, std::string_view what);

/// Something of ours failed: delays.
Outcome local_trouble(Phase phase, EnhancedStatus status, std::string_view what);

/// There is no route.
Outcome unroutable(const Reply& reason);

}  // namespace postrider::deliver
