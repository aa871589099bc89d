// SPDX-License-Identifier: MIT
#include "control/next_step.hpp"

#include <fmt/format.h>

#include "control/phrase.hpp"

namespace postrider::control {
namespace {

using queue::RecipientState;
using queue::Wait;

Json step(const std::optional<WallTime>& at, std::string_view set_by, std::string text) {
  return {{"at", at ? Json(time_text(*at)) : Json(nullptr)},
          {"set_by", set_by},
          {"text", std::move(text)}};
}

Json held(const Standing& standing) {
  const std::string& id = standing.message.queue_id;
  if (standing.recipient.address.empty())
    return step({}, "store",
                "it cannot be read; nothing is tried until: postrider queue remove " + id);
  const bool on_arrival = standing.recipient.reason.starts_with("held on arrival");
  return step({}, on_arrival ? "plugin" : "operator",
              "nothing is tried until: postrider queue release " + id);
}

Json failed(const Standing& standing) {
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

Json free_connection(const Standing& standing) {
  const queue::DestinationView* const to = standing.destination;
  const bool full = to && to->active >= to->limit;
  return step({}, "connection limit",
              full ? fmt::format("as soon as the destination's {} under way ended",
                                 counted(to->active, "attempt"))
                   : "as soon as a connection is free, of all that may be open at once");
}

Json back_off(const Standing& standing) {
  const std::uint64_t failures = standing.destination ? standing.destination->failures : 0;
  return step(standing.forecast->at, "back-off",
              fmt::format("its destination failed {} in a row and is left alone until then; now "
                          "with: postrider queue retry {}",
                          counted(failures, "time"), standing.message.queue_id));
}

Json rate(const Standing& standing) {
  const auto& rule = standing.destination ? standing.destination->rule : nullptr;
  return step(standing.forecast->at, "max_rate",
              fmt::format("its destination takes no more until then; {} in the configuration",
                          rule ? rule->origin : "[[destination]]"));
}

Json schedule(const Standing& standing) {
  std::string text =
      fmt::format("attempt {}, as queue.retry says", standing.recipient.attempts + 1);
  if (standing.forecast->wakes_with_host) text += "; sooner if its destination takes other mail";
  return step(standing.forecast->at, "retry schedule", std::move(text));
}

std::string closed(const std::string& why) {
  return why + (why.starts_with("the mode") ? "; until: postrider mode outbound-only"
                                            : "; until: postrider destination resume");
}

Json waiting(const Standing& standing) {
  const queue::Forecast* const forecast = standing.forecast;
  if (!forecast || forecast->wait == Wait::nothing)
    return step({}, "queue", "it is being handed over within the queue; ask again");
  if (forecast->wait == Wait::attempt)
    return step({}, "attempt",
                "an attempt is under way since " + time_text(*forecast->at) + "; its end decides");
  if (standing.destination && !standing.destination->closed.empty())
    return step({}, "operator", closed(standing.destination->closed));
  if (forecast->at && *forecast->at >= standing.message.give_up_at)
    return step(standing.message.give_up_at, "give-up time",
                "no further attempt before it is given up (queue.give_up)");
  if (forecast->wait == Wait::connection) return free_connection(standing);
  if (forecast->wait == Wait::rate) return rate(standing);
  return forecast->wait == Wait::back_off ? back_off(standing) : schedule(standing);
}

}  // namespace

Json next_step(const Standing& standing) {
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

}  // namespace postrider::control
