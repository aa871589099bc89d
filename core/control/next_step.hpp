// SPDX-License-Identifier: MIT
// What happens next to a recipient, and who decided that: the retry schedule, the destination's
// back-off, the remote, the operator, the give-up time.
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

/// {"at": time or null, "set_by": who, "text": why}
Json next_step(const Standing& standing);

}  // namespace postrider::control
