// SPDX-License-Identifier: MIT
// Destinations that the operator closes and opens again. Closing is one step: attempts under way go
// on, none begins. What was found closed is looked at again slice by slice, so that a hundred
// thousand destinations do not hold the loop.
#include <algorithm>

#include "queue/loop_queue.hpp"

namespace postrider::queue {

void LoopQueue::set_gate(GatePtr gate) {
  gate_ = std::move(gate);
  scheduler_.set_gate(
      [gate = gate_](const Destination& destination) { return gate->is_closed_to(destination); });
  tasks_.spawn(reopen(*this));
}

Task<void> LoopQueue::reopen(LoopQueue& queue) {
  constexpr std::size_t kSlice = 100;
  while (queue.scheduler_.reopen(kSlice, queue.runtime_.now())) {
    queue.pump();
    co_await sleep_for(queue.runtime_, 0ms);
  }
  queue.pump();
}

DestinationView LoopQueue::destination_view(const DestinationQueue& queue) const {
  const TimePoint now = runtime_.now();
  DestinationView view;
  view.destination = queue.destination().text();
  view.ready = queue.ready();
  view.delayed = queue.delayed();
  view.active = queue.active();
  view.couriers = queue.couriers;
  view.limit = queue.limit();
  view.failures = queue.failures();
  if (queue.is_in_back_off(now))
    view.back_off = std::chrono::ceil<Duration>(queue.back_off_until() - now);
  const auto last = [&](HostResult result) {
    const auto when = queue.last(result);
    return when ? std::optional(wall_of(*when)) : std::nullopt;
  };
  view.last_success = last(HostResult::delivered);
  view.last_answer = last(HostResult::answered);
  view.last_failure = last(HostResult::failed);
  view.trouble = queue.trouble;
  if (gate_) view.closed = gate_->closure(view.destination);
  view.max_connections = queue.max_connections();
  if (queue.rule()) view.rule = std::make_shared<const DestinationRule>(*queue.rule());
  return view;
}

std::vector<DestinationView> LoopQueue::destinations() const {
  std::vector<DestinationView> views;
  scheduler_.for_each(
      [&](const DestinationQueue& queue) { views.push_back(destination_view(queue)); });
  return views;
}

std::optional<std::size_t> LoopQueue::destinations(
    std::size_t place, const std::function<void(DestinationView)>& each) const {
  constexpr std::size_t kSlice = 300;
  return scheduler_.for_some(place, kSlice,
                             [&](const DestinationQueue& queue) { each(destination_view(queue)); });
}

}  // namespace postrider::queue
