// SPDX-License-Identifier: MIT
#include "queue/scheduler.hpp"

#include <algorithm>

namespace postrider::queue {

Scheduler::Scheduler(SchedulerOptions options)
    : options_(std::move(options)),
      back_off_(options_.back_off, options_.jitter_percent, options_.seed),
      events_(steps_) {}

DestinationQueue& Scheduler::queue_of(const Destination& destination) {
  ++steps_;
  if (const auto found = queues_.find(destination); found != queues_.end()) return **found;
  auto fresh = std::make_unique<DestinationQueue>(destination, options_.concurrency, steps_);
  fresh->apply(rule_of(destination), options_.concurrency);
  return **queues_.insert(std::move(fresh)).first;
}

const DestinationRule* Scheduler::rule_of(const Destination& destination) const {
  return options_.rules ? options_.rules->find(destination) : nullptr;
}

void Scheduler::set_rules(DestinationRulesPtr rules, TimePoint now) {
  const DestinationRulesPtr former = std::exchange(options_.rules, std::move(rules));
  for (const auto& queue : queues_) {
    queue->apply(rule_of(queue->destination()), options_.concurrency);
    review(*queue, now);
  }
}

void Scheduler::add(Scheduled& item, const Destination& destination, TimePoint now) {
  DestinationQueue& queue = queue_of(destination);
  queue.add_ready(item);
  review(queue, now);
}

void Scheduler::add_delayed(Scheduled& item, const Destination& destination, TimePoint when,
                            TimePoint now) {
  DestinationQueue& queue = queue_of(destination);
  queue.add_delayed(item, when, false);
  review(queue, now);
}

void Scheduler::drop(Scheduled& item, TimePoint now) {
  if (item.place == Scheduled::Place::none || item.place == Scheduled::Place::active) return;
  item.home->remove(item);
  item.asked = false;
  review(*item.home, now);
}

void Scheduler::hurry(Scheduled& item, TimePoint now) {
  if (item.place == Scheduled::Place::none || item.place == Scheduled::Place::active) return;
  item.home->hurry(item, now);
  review(*item.home, now);
}

Scheduled* Scheduler::take(const Destination& destination, TimePoint now, bool is_connected) {
  const auto found = queues_.find(destination);
  if (found == queues_.end() || is_closed(**found)) return nullptr;
  Scheduled* item = (*found)->take(now, is_connected);
  review(**found, now);
  return item;
}

void Scheduler::note_connection(const Destination& destination, TimePoint now) {
  const auto found = queues_.find(destination);
  if (found == queues_.end()) return;
  (*found)->note_connection(now);
  review(**found, now);
}

void Scheduler::finish(Scheduled& item, HostResult result, TimePoint now) {
  item.home->finish(item, result, now, [this, rule = item.home->rule()](std::uint32_t failures) {
    return rule ? back_off_.delay_after(failures, rule->back_off) : back_off_.delay_after(failures);
  });
  review(*item.home, now);
}

void Scheduler::put_back(Scheduled& item, TimePoint now) {
  item.home->add_ready(item, true);
  review(*item.home, now);
}

TimePoint Scheduler::delay(Scheduled& item, TimePoint when, bool by_host, TimePoint now) {
  item.home->add_delayed(item, when, by_host);
  review(*item.home, now);
  return std::max(when, item.home->back_off_until());
}

std::size_t Scheduler::line_of(const DestinationQueue& queue) const noexcept {
  if (queue.failures() > 0) return kFailing;
  if (queue.is_proven()) return kProven;
  return queue.has_fresh() ? kUnknown : kFailing;
}

bool Scheduler::may_start(std::size_t line) const noexcept {
  const std::size_t all = std::max(1U, options_.max_couriers);
  const std::size_t share = line == kProven    ? all
                            : line == kUnknown ? all - all / 4
                                               : all - all / 2;
  return !lines_[line].empty() && working_ < share;
}

/// First in, first out; but of a crowd, every other time the last: mail that comes to a flood for
/// dead hosts need not wait until each of them was tried.
DestinationQueue& Scheduler::next_in(std::size_t line) {
  std::deque<DestinationQueue*>& queues = lines_[line];
  const bool last = queues.size() > options_.max_couriers && ++turn_ % 2 == 0;
  DestinationQueue& queue = last ? *queues.back() : *queues.front();
  last ? queues.pop_back() : queues.pop_front();
  queue.in_lines &= static_cast<std::uint8_t>(~(1U << line));
  return queue;
}

const Destination* Scheduler::next_wanted(TimePoint now) {
  for (std::size_t line = 0; line < lines_.size(); ++line) {
    while (may_start(line)) {
      DestinationQueue& queue = next_in(line);
      ++steps_;
      const bool wanted = !is_closed(queue) && queue.new_couriers(now) > 0;
      if (wanted) {
        ++queue.couriers;
        ++working_;
      }
      review(queue, now);  // back to the end of the line if it wants more
      if (wanted) return &queue.destination();
    }
  }
  return nullptr;
}

void Scheduler::courier_left(const Destination& destination, TimePoint now) {
  const auto found = queues_.find(destination);
  if (found == queues_.end() || (*found)->couriers == 0) return;
  --(*found)->couriers;
  --working_;
  review(**found, now);
}

void Scheduler::courier_waits(const Destination& destination, WaitingCourier& courier,
                              TimePoint now) {
  DestinationQueue& queue = queue_of(destination);
  queue.waiting.push_back(&courier);
  if (working_ > 0) --working_;
  review(queue, now);
}

void Scheduler::courier_resumes(const Destination& destination, WaitingCourier& courier) {
  const auto found = queues_.find(destination);
  if (found == queues_.end()) return;
  if (std::erase((*found)->waiting, &courier) > 0) ++working_;
}

void Scheduler::review(DestinationQueue& queue, TimePoint now) {
  queue.mature(now);
  const bool closed = is_closed(queue);
  std::size_t missing = closed ? 0 : queue.missing_couriers(now);
  for (; missing > 0 && !queue.waiting.empty(); --missing) {
    WaitingCourier* courier = queue.waiting.back();
    queue.waiting.pop_back();
    ++working_;
    courier->wake();
  }
  const std::size_t line = line_of(queue);
  if (missing > 0 && queue.new_couriers(now) > 0 && (queue.in_lines & (1U << line)) == 0) {
    queue.in_lines |= static_cast<std::uint8_t>(1U << line);
    lines_[line].push_back(&queue);
  }
  std::optional<TimePoint> event;
  if (!closed) event = queue.next_event(now);
  if (queue.is_idle() && queue.waiting.empty() && queue.in_lines == 0)
    event = std::max(now, queue.back_off_until()) + options_.idle;
  set_event(queue, event);
}

void Scheduler::set_event(DestinationQueue& queue, std::optional<TimePoint> event) {
  if (!event) {
    if (queue.in_heap) events_.erase(queue);
    queue.in_heap = false;
    return;
  }
  const bool same = queue.in_heap && queue.due == *event;
  if (same) return;
  queue.due = *event;
  queue.in_heap ? events_.moved(queue) : events_.push(queue);
  queue.in_heap = true;
}

void Scheduler::set_gate(std::function<bool(const Destination&)> is_closed) {
  gate_ = std::move(is_closed);
  ++gate_version_;
  // A hundred thousand destinations may be closed: a swap costs nothing, and what is left of a look
  // that was not finished is no more than that look has cost.
  if (look_again_.empty()) look_again_.swap(closed_);
  look_again_.merge(closed_);
  closed_.clear();
}

bool Scheduler::is_closed(DestinationQueue& queue) {
  if (queue.gate_version == gate_version_) return queue.closed;
  queue.gate_version = gate_version_;
  queue.closed = gate_ && gate_(queue.destination());
  if (queue.closed) closed_.insert(&queue);
  return queue.closed;
}

bool Scheduler::reopen(std::size_t count, TimePoint now) {
  for (; count > 0 && !look_again_.empty(); --count) {
    DestinationQueue& queue = **look_again_.begin();
    look_again_.erase(look_again_.begin());
    review(queue, now);
  }
  return !look_again_.empty();
}

std::optional<TimePoint> Scheduler::next_event() const noexcept {
  if (events_.is_empty()) return std::nullopt;
  return events_.top()->due;
}

void Scheduler::tick(TimePoint now) {
  while (!events_.is_empty() && events_.top()->due <= now) {
    DestinationQueue& queue = *events_.top();
    set_event(queue, std::nullopt);
    if (!queue.is_idle() || !queue.waiting.empty() || queue.in_lines != 0) {
      review(queue, now);
      continue;
    }
    closed_.erase(&queue);
    look_again_.erase(&queue);
    queues_.erase(queues_.find(queue.destination()));
  }
}

const DestinationQueue* Scheduler::find(const Destination& destination) const {
  const auto found = queues_.find(destination);
  return found == queues_.end() ? nullptr : found->get();
}

void Scheduler::for_each(const std::function<void(const DestinationQueue&)>& each) const {
  for (const auto& queue : queues_) each(*queue);
}

std::optional<std::size_t> Scheduler::for_some(
    std::size_t place, std::size_t count,
    const std::function<void(const DestinationQueue&)>& each) const {
  // By bucket: the only order that outlasts the end of this call.
  for (; place < queues_.bucket_count(); ++place) {
    if (count == 0) return place;
    const std::size_t size = queues_.bucket_size(place);
    for (auto it = queues_.begin(place); it != queues_.end(place); ++it) each(**it);
    count -= std::min(count, std::max<std::size_t>(size, 1));
  }
  return std::nullopt;
}

void Scheduler::clear(const std::function<void(Scheduled&)>& each) {
  for (const auto& queue : queues_) {
    while (Scheduled* item = queue->any()) {
      queue->remove(*item);
      each(*item);
    }
  }
}

}  // namespace postrider::queue
