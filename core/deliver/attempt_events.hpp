// SPDX-License-Identifier: MIT
// What observers are told of an attempt beside the lines on its connection: which message it is
// for, that no connection came about, and how it ended for each recipient.
#pragma once

#include <string>
#include <string_view>

#include <postrider/loop.hpp>
#include <postrider/protocol_event.hpp>

#include "deliver/envelope.hpp"
#include "plugin/chains.hpp"

namespace postrider::deliver {

/// "QUEUE-ID DESTINATION from=<sender> to=<recipient>,... (N more)".
std::string attempt_text(const Consignment& consignment);

/// Whose events: the attempt's id and where it goes. Views live through the call.
struct AttemptPlace {
  plugin::Chains* chains = nullptr;
  Loop& loop;
  std::string_view id;
  SocketAddress local{};
  SocketAddress remote{};
  TimePoint began{};  ///< of the connection; none: there is none
};

/// No connection to `place.remote` (unspecified: not even an address). `text`: why.
void observe_unreached(const AttemptPlace& place, const Consignment& consignment,
                       std::string_view text, Duration elapsed);
/// Each recipient's outcome; all are settled.
void observe_outcomes(const AttemptPlace& place, const Consignment& consignment);

}  // namespace postrider::deliver
