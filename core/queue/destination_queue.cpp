// SPDX-License-Identifier: MIT
#include "queue/destination_queue.hpp"

#include <algorithm>

namespace postrider::queue {

DestinationQueue::DestinationQueue(Destination destination, ConcurrencyLimits limits,
                                   std::uint64_t& steps)
    : destination_(std::move(destination)),
      limits_(limits),
      delayed_(steps),
      host_delayed_(steps),
      steps_(steps),
      window_(std::max(1U, std::min(limits.initial, limits.max))) {}

void DestinationQueue::apply(const DestinationRule* rule, ConcurrencyLimits limits) {
  const bool is_new = couriers == 0 && active_ == 0 && !proven_;
  rule_ = rule;
  limits_ = limits;
  messages_.set(rule ? rule->max_rate : Rate{});
  connections_.set(rule ? rule->max_connection_rate : Rate{});
  if (rule && rule->max_connections > 0) limits_.max = rule->max_connections;
  if (rule && rule->initial_connections > 0) limits_.initial = rule->initial_connections;
  const double most = std::max(1U, limits_.max);
  window_ = std::min(most, is_new ? std::max(1.0, double{1} * limits_.initial) : window_);
}

ScheduledList& DestinationQueue::list_of(const Scheduled& item) noexcept {
  if (item.place == Place::asked) return asked_;
  return item.place == Place::retry ? retry_ : fresh_;
}

void DestinationQueue::add_ready(Scheduled& item, bool in_front) {
  ++steps_;
  item.home = this;
  item.place = item.asked ? Place::asked : item.was_tried ? Place::retry : Place::fresh;
  in_front ? list_of(item).push_front(item) : list_of(item).push_back(item);
}

void DestinationQueue::add_delayed(Scheduled& item, TimePoint when, bool by_host) {
  item.home = this;
  item.due = when;
  item.was_tried = true;
  item.place = by_host ? Place::host_delayed : Place::delayed;
  (by_host ? host_delayed_ : delayed_).push(item);
}

void DestinationQueue::remove(Scheduled& item) {
  ++steps_;
  switch (item.place) {
    case Place::fresh:
    case Place::retry:
    case Place::asked:
      list_of(item).erase(item);
      break;
    case Place::delayed:
      delayed_.erase(item);
      break;
    case Place::host_delayed:
      host_delayed_.erase(item);
      break;
    case Place::active:
      --active_;
      break;
    case Place::none:
      break;
  }
  item.place = Place::none;
}

void DestinationQueue::hurry(Scheduled& item, TimePoint now) {
  back_off_until_ = {};
  asked_at_ = now;
  if (item.asked) return;
  remove(item);
  item.asked = true;
  add_ready(item);
}

void DestinationQueue::mature(TimePoint now) {
  if (is_in_back_off(now)) return;
  for (DueHeap<Scheduled>* heap : {&delayed_, &host_delayed_}) {
    while (!heap->is_empty() && heap->top()->due <= now) {
      Scheduled& item = *heap->top();
      heap->erase(item);
      add_ready(item);
    }
  }
}

Scheduled* DestinationQueue::first_ready() noexcept {
  Scheduled* item = fresh_.first();
  if (!retry_.is_empty() && (!item || ++turn_ % 8 == 0)) item = retry_.first();
  // A host that failed gets one attempt, and the operator said which.
  const bool is_askeds_turn = !item || failures_ > 0 || !asked_was_last_;
  asked_was_last_ = !asked_.is_empty() && is_askeds_turn;
  return asked_was_last_ ? asked_.first() : item;
}

Scheduled* DestinationQueue::take(TimePoint now, bool is_connected) {
  mature(now);
  if (is_in_back_off(now) || active_ >= limit() || messages_.left(now) == 0) return nullptr;
  if (!is_connected && connections_.left(now) == 0) return nullptr;
  Scheduled* item = first_ready();
  if (!item) return nullptr;
  remove(*item);
  item->place = Place::active;
  item->due = now;
  messages_.take(now);
  if (!is_connected) connections_.take(now);
  ++active_;
  return item;
}

void DestinationQueue::finish(Scheduled& item, HostResult result, TimePoint now,
                              const std::function<Duration(std::uint32_t)>& back_off) {
  remove(item);
  if (result != HostResult::untried) item.asked = false;
  last_[static_cast<std::size_t>(result)] = now;
  switch (result) {
    case HostResult::failed:
      return host_failed(item, now, back_off);
    case HostResult::delivered:
      return host_answered(true);
    case HostResult::answered:
      return host_answered(false);
    case HostResult::untried:
      messages_.give_back();
      return;
  }
}

void DestinationQueue::host_failed(Scheduled& item, TimePoint now,
                                   const std::function<Duration(std::uint32_t)>& back_off) {
  window_ = std::max(1.0, window_ / 2);
  proven_ = false;
  // Attempts that began before the back-off did tell the same story once more.
  if (is_in_back_off(now) && item.due <= back_off_since_) return;
  ++failures_;
  if (!asked_.is_empty() && item.due < asked_at_) return;  // the attempt asked for is still to come
  back_off_since_ = now;
  back_off_until_ = now + back_off(failures_);
}

void DestinationQueue::host_answered(bool delivered) {
  failures_ = 0;
  trouble.clear();
  back_off_until_ = {};
  if (delivered) {
    proven_ = true;
    window_ = std::min(static_cast<double>(std::max(1U, limits_.max)), window_ + 1 / window_);
  }
  wake_host_delayed();
}

void DestinationQueue::wake_host_delayed() {
  if (host_delayed_.is_empty()) return;
  std::vector<Scheduled*> items = host_delayed_.release();
  std::ranges::sort(items, {}, [](const Scheduled* item) { return item->due; });
  for (Scheduled* item : items) add_ready(*item);
}

unsigned DestinationQueue::limit() const noexcept {
  return failures_ > 0 ? 1U : static_cast<unsigned>(window_ + 1e-9);
}

std::size_t DestinationQueue::missing_couriers(TimePoint now) const noexcept {
  if (is_in_back_off(now)) return 0;
  const std::size_t working = couriers - std::min<std::size_t>(couriers, waiting.size());
  if (working >= limit() || active_ >= limit()) return 0;
  const std::size_t free = couriers_between();
  if (ready() <= free) return 0;
  return std::min<std::size_t>({ready() - free, limit() - working, messages_.left(now)});
}

/// Couriers between two deliveries: they will take what is ready.
std::size_t DestinationQueue::couriers_between() const noexcept {
  const std::size_t working = couriers - std::min<std::size_t>(couriers, waiting.size());
  return working - std::min(working, active_);
}

std::size_t DestinationQueue::new_couriers(TimePoint now) const noexcept {
  const std::size_t left = connections_.left(now);
  return std::min(missing_couriers(now), left - std::min(left, couriers_between()));
}

std::optional<TimePoint> DestinationQueue::next_event(TimePoint now) const noexcept {
  const bool backing_off = is_in_back_off(now);
  const TimePoint blocked = std::max(back_off_until_, throttled_until());
  if (now < blocked && ready() > 0) return blocked;
  std::optional<TimePoint> event;
  if (ready() > 0 && now < connects_from()) event = connects_from();
  for (const DueHeap<Scheduled>* heap : {&delayed_, &host_delayed_})
    if (!heap->is_empty() && (!event || heap->top()->due < *event)) event = heap->top()->due;
  if (event && backing_off) event = std::max(*event, back_off_until_);
  return event;
}

bool DestinationQueue::is_idle() const noexcept {
  return ready() == 0 && delayed() == 0 && active_ == 0 && couriers == 0;
}

Scheduled* DestinationQueue::any() const noexcept {
  for (const ScheduledList* list : {&asked_, &fresh_, &retry_})
    if (!list->is_empty()) return list->first();
  return delayed_.is_empty() ? host_delayed_.top() : delayed_.top();
}

}  // namespace postrider::queue
