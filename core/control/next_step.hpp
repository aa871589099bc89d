// SPDX-License-Identifier: MIT
// What happens next to a recipient, and who decided that: the retry schedule, the destination's
// back-off, the remote, the operator, the give-up time. Whatever command shows a message says this.
#pragma once

#include "control/control_json.hpp"
#include "queue/forecast.hpp"

namespace postrider::control {

/// What is known of one recipient; `forecast` and `destination` are null where nothing is.
struct Standing {
  const queue::MessageView& message;
  const queue::RecipientView& recipient;
  const queue::Forecast* forecast = nullptr;
  const queue::DestinationView* destination = nullptr;
};

Standing standing_of(const Listing& listing, const queue::MessageView& message,
                     const queue::RecipientView& recipient);

struct NextStep {
  std::optional<WallTime> at;  ///< nothing: not at a time
  std::string_view set_by;
  std::string text;
};
NextStep next_step(const Standing& standing);
/// {"at": time or null, "set_by": who, "text": why}
Json to_json(const NextStep& step);

/// A message of the listing with its recipients; each has the reason why it waits, which its own
/// loop need not know, and the time of its next step in `next_attempt`.
Json to_json(const Listing& listing, const queue::MessageView& message);

}  // namespace postrider::control
