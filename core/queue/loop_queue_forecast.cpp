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
      forecast.wait = backs_off                                        ? Wait::back_off
                      : group.home->throttled_until() > runtime_.now() ? Wait::rate
                                                                       : Wait::connection;
      if (forecast.wait != Wait::connection)
        forecast.at = wall_of(std::max(back, group.home->throttled_until()));
      return forecast;
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
