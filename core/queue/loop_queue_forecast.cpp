// SPDX-License-Identifier: MIT
// What operators are told of the future: which recipients wait for what, on the loop that decides.
#include "queue/loop_queue.hpp"

namespace postrider::queue {

RecordPtr LoopQueue::record(const std::string& queue_id) {
  const auto id = parse_id(queue_id);
  const OwnedMessage* message = id ? owned_.find(*id) : nullptr;
  return message ? message->record : nullptr;
}

std::vector<Forecast> LoopQueue::forecasts(QueuedRecord& record) const {
  std::vector<Forecast> all;
  for (const RecipientGroup& group : record.groups())
    if (loop_of_group(group) == loop_) all.push_back(forecast(group));
  return all;
}

/// Of what is due now.
Forecast LoopQueue::forecast_ready(const DestinationQueue& home, Forecast forecast) const {
  const TimePoint now = runtime_.now();
  if (home.is_in_back_off(now)) {
    forecast.wait = Wait::back_off;
    forecast.at = wall_of(std::max(home.back_off_until(), home.throttled_until()));
  } else if (home.throttled_until() > now) {
    forecast.wait = Wait::rate;
    forecast.at = wall_of(home.throttled_until());
  } else if (home.connects_from() > now && home.active() < home.limit()) {
    forecast.wait = Wait::connection_rate;
    forecast.at = wall_of(home.connects_from());
  } else {
    forecast.wait = Wait::connection;
  }
  return forecast;
}

Forecast LoopQueue::forecast(const RecipientGroup& group) const {
  Forecast forecast;
  forecast.destination = group.destination->text();
  if (group.place == Scheduled::Place::none) return forecast;  // its home may be forgotten
  const bool backs_off = group.home->is_in_back_off(runtime_.now());
  const TimePoint back = backs_off ? group.home->back_off_until() : TimePoint{};
  switch (group.place) {
    case Scheduled::Place::none:
      return forecast;
    case Scheduled::Place::active:
      forecast.wait = Wait::attempt;
      forecast.at = wall_of(group.due);
      return forecast;
    case Scheduled::Place::fresh:
    case Scheduled::Place::retry:
    case Scheduled::Place::asked:
      return forecast_ready(*group.home, std::move(forecast));
    case Scheduled::Place::delayed:
    case Scheduled::Place::host_delayed:
      forecast.wait = backs_off && back >= group.due ? Wait::back_off : Wait::schedule;
      forecast.at = wall_of(std::max(group.due, back));
      forecast.wakes_with_host = group.place == Scheduled::Place::host_delayed;
      return forecast;
  }
  return forecast;
}

}  // namespace postrider::queue
