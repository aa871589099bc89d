// SPDX-License-Identifier: MIT
#include "deliver/attempt_events.hpp"

#include <chrono>

#include <fmt/format.h>

namespace postrider::deliver {
namespace {

constexpr std::size_t kNamedRecipients = 5;

bool has_observers(const AttemptPlace& place) noexcept {
  return place.chains && place.chains->has_observers();
}

ProtocolEvent event_at(const AttemptPlace& place, EventKind kind) {
  ProtocolEvent event;
  event.kind = kind;
  event.side = Side::client;
  event.id = place.id;
  event.local = place.local;
  event.remote = place.remote;
  event.at = place.loop.now();
  if (place.began != TimePoint{})
    event.elapsed = std::chrono::duration_cast<Duration>(event.at - place.began);
  return event;
}

}  // namespace

std::string attempt_text(const Consignment& consignment) {
  std::string text = fmt::format("{} {} from={} to=", consignment.message().queue_id(),
                                 consignment.delivery.destination.text(),
                                 consignment.message().reverse_path().bracketed());
  const std::size_t count = consignment.outcomes.size();
  for (std::size_t place = 0; place < std::min(count, kNamedRecipients); ++place)
    text += (place ? "," : "") + consignment.recipient(place).path.bracketed();
  if (count > kNamedRecipients) text += fmt::format(" ({} more)", count - kNamedRecipients);
  return text;
}

void observe_unreached(const AttemptPlace& place, const Consignment& consignment,
                       std::string_view text, Duration elapsed) {
  if (!has_observers(place)) return;
  ProtocolEvent event = event_at(place, EventKind::unreached);
  const std::string said = fmt::format("{}; {}", attempt_text(consignment), text);
  event.text = said;
  event.elapsed = elapsed;
  event.failed = true;
  place.chains->observe(event);
}

void observe_outcomes(const AttemptPlace& place, const Consignment& consignment) {
  if (!has_observers(place)) return;
  ProtocolEvent event = event_at(place, EventKind::outcome);
  for (std::size_t i = 0; i < consignment.outcomes.size(); ++i) {
    const auto& outcome = consignment.outcomes[i];
    if (!outcome) continue;
    const std::string text =
        fmt::format("{} {} {} {} {}", consignment.message().queue_id(),
                    consignment.recipient(i).path.bracketed(), action_name(outcome->action),
                    outcome->status.text(), outcome->text);
    event.text = text;
    event.failed = outcome->action == Action::delayed || outcome->action == Action::failed;
    place.chains->observe(event);
  }
}

}  // namespace postrider::deliver
