// SPDX-License-Identifier: MIT
#include "control/next_step.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "control/phrase.hpp"

namespace postrider::control {
namespace {

using queue::RecipientState;
using queue::Wait;

NextStep step(const std::optional<WallTime>& at, std::string_view set_by, std::string text) {
  return {at, set_by, std::move(text)};
}

NextStep held(const Standing& standing) {
  const std::string& id = standing.message.queue_id;
  if (standing.recipient.address.empty())
    return step({}, "store",
                "it cannot be read; nothing is tried until: postrider queue remove " + id);
  const bool on_arrival = standing.recipient.reason.starts_with("held on arrival");
  return step({}, on_arrival ? "plugin" : "operator",
              "nothing is tried until: postrider queue release " + id);
}

NextStep failed(const Standing& standing) {
  const std::string& id = standing.message.queue_id;
  const bool too_old = standing.recipient.status == "5.4.7";
  const bool returned = standing.recipient.reason.starts_with("returned by the operator");
  const bool by_remote = !too_old && !standing.recipient.remote.empty();
  return step({},
              too_old     ? "give-up time"
              : returned  ? "operator"
              : by_remote ? "remote"
                          : "this host",
              "no further attempt; it stays until: postrider queue remove " + id +
                  "; or: postrider queue retry --state failed " + id);
}

NextStep free_connection(const Standing& standing) {
  const queue::DestinationView* const to = standing.destination;
  const bool full = to && to->active >= to->limit;
  return step({}, "connection limit",
              full ? fmt::format("as soon as the destination's {} under way ended",
                                 counted(to->active, "attempt"))
                   : "as soon as a connection is free, of all that may be open at once");
}

constexpr std::string_view kBackOff = "back-off";

/// "1 time", "3 times in a row"
std::string times(const queue::DestinationView* destination) {
  const std::uint64_t failures = destination ? destination->failures : 0;
  return counted(failures, "time") + (failures == 1 ? "" : " in a row");
}

NextStep back_off(const Standing& standing) {
  return step(standing.forecast->at, kBackOff,
              fmt::format("its destination failed {} and is left alone until then; now with: "
                          "postrider queue retry {}",
                          times(standing.destination), standing.message.queue_id));
}

NextStep rate(const Standing& standing) {
  const auto& rule = standing.destination ? standing.destination->rule : nullptr;
  const bool of_messages = standing.forecast->wait == Wait::rate;
  return step(
      standing.forecast->at, of_messages ? "max_rate" : "max_connection_rate",
      fmt::format("its destination takes no more {}until then; {} in the configuration",
                  of_messages ? "" : "connections ", rule ? rule->origin : "[[destination]]"));
}

NextStep schedule(const Standing& standing) {
  std::string text =
      fmt::format("attempt {}, as queue.retry says", standing.recipient.attempts + 1);
  if (standing.forecast->wakes_with_host) text += "; sooner if its destination takes other mail";
  return step(standing.forecast->at, "retry schedule", std::move(text));
}

NextStep closed(const queue::Closure& closure) {
  const std::string since = closure.since ? ", since " + time_text(*closure.since) : std::string();
  return step({}, closure.since ? "operator" : "server.mode",
              closure.why + since + "; until: " + closure.until);
}

NextStep waiting(const Standing& standing) {
  const queue::Forecast* const forecast = standing.forecast;
  if (!forecast || forecast->wait == Wait::nothing)
    return step({}, "queue", "it is being handed over within the queue; ask again");
  if (forecast->wait == Wait::attempt)
    return step({}, "attempt",
                "an attempt is under way since " + time_text(*forecast->at) + "; its end decides");
  if (standing.destination && standing.destination->closed)
    return closed(*standing.destination->closed);
  if (forecast->at && *forecast->at >= standing.recipient.give_up_at)
    return step(standing.recipient.give_up_at, "give-up time",
                "no further attempt before it is given up");
  if (forecast->wait == Wait::connection) return free_connection(standing);
  if (forecast->wait == Wait::rate || forecast->wait == Wait::connection_rate)
    return rate(standing);
  return forecast->wait == Wait::back_off ? back_off(standing) : schedule(standing);
}

/// New mail for a destination in back-off is queued, not delayed: it was never tried, and its own
/// loop knows no reason.
std::string reason(const Standing& standing, const NextStep& next) {
  const queue::RecipientView& recipient = standing.recipient;
  const bool is_queued = recipient.state == RecipientState::queued;
  if (!standing.destination || (!is_queued && recipient.state != RecipientState::delayed))
    return recipient.reason;
  const std::string before = is_queued ? std::string() : "; before: " + recipient.reason;
  if (standing.destination->closed) return "waits: " + standing.destination->closed->why + before;
  if (!is_queued || next.set_by != kBackOff) return recipient.reason;
  return "waits: its destination failed " + times(standing.destination);
}

}  // namespace

NextStep next_step(const Standing& standing) {
  switch (standing.recipient.state) {
    case RecipientState::held:
      return held(standing);
    case RecipientState::failed:
      return failed(standing);
    case RecipientState::delivered:
      return step({}, "remote", "nothing: it is delivered");
    case RecipientState::queued:
    case RecipientState::active:
    case RecipientState::delayed:
      return waiting(standing);
  }
  return waiting(standing);
}

Json to_json(const NextStep& step) {
  return {{"at", step.at ? Json(time_text(*step.at)) : Json(nullptr)},
          {"set_by", step.set_by},
          {"text", step.text}};
}

Standing standing_of(const Listing& listing, const queue::MessageView& message,
                     const queue::RecipientView& recipient) {
  const std::string& name = recipient.destination;
  const auto forecast =
      std::ranges::lower_bound(message.forecasts, name, {}, &queue::Forecast::destination);
  const bool is_told = forecast != message.forecasts.end() && forecast->destination == name;
  const auto destination = listing.destinations.find(name);
  const bool is_known = destination != listing.destinations.end();
  return {.message = message,
          .recipient = recipient,
          .forecast = is_told ? &*forecast : nullptr,
          .destination = is_known ? &destination->second : nullptr};
}

Json to_json(const Listing& listing, const queue::MessageView& message) {
  Json shown = to_json(message);
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    const Standing standing = standing_of(listing, message, message.recipients[i]);
    const NextStep next = next_step(standing);
    Json& recipient = shown["recipients"][i];
    recipient["reason"] = reason(standing, next);
    recipient["next_attempt"] = next.at ? Json(time_text(*next.at)) : Json(nullptr);
  }
  return shown;
}

}  // namespace postrider::control
