// SPDX-License-Identifier: MIT
// Handing deliveries out and taking them back, on the loop that owns the destination. The scheduler
// decides; here its decisions meet couriers, the clock and the loop that owns the message.
#include <algorithm>

#include "queue/loop_queue.hpp"

namespace postrider::queue {

/// A courier that waits for work; leaving the wait, in whatever way, takes it off the list.
class CourierWait final : public WaitingCourier, private Timer {
 public:
  CourierWait(LoopQueue& queue, const Destination& destination, Duration limit)
      : queue_(queue), destination_(destination), limit_(limit) {}
  CourierWait(const CourierWait&) = delete;
  CourierWait& operator=(const CourierWait&) = delete;
  ~CourierWait() override { leave(); }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    node_.set_handle(handle);
    waiting_ = true;
    queue_.runtime_.start_timer(*this, limit_);
    queue_.scheduler_.courier_waits(destination_, *this, queue_.runtime_.now());
    queue_.pump();
  }
  bool await_resume() {
    if (is_running()) queue_.runtime_.stop_timer(*this);
    return !timed_out_;
  }

  void wake() noexcept override {
    waiting_ = false;
    queue_.runtime_.make_ready(node_);
  }
  void dismiss() noexcept override {
    if (!waiting_) return;
    leave();
    timed_out_ = true;
    queue_.runtime_.make_ready(node_);
  }

 private:
  void expired() noexcept override { dismiss(); }
  void leave() noexcept {
    if (waiting_) queue_.scheduler_.courier_resumes(destination_, *this);
    waiting_ = false;
  }

  LoopQueue& queue_;
  const Destination destination_;
  const Duration limit_;
  ReadyNode node_;
  bool waiting_ = false;
  bool timed_out_ = false;
};

namespace {

/// A courier that does not end its attempt within this is taken for lost.
constexpr Duration kCourierGrace = 30s;

/// A stored time may be far away, because the calendar went back meanwhile; no wait is longer than
/// this.
Duration longest_wait(const QueueOptions& options) {
  Duration longest = 1s;
  for (const Duration retry : options.retry)
    longest = std::max(longest, retry + retry * options.retry_jitter / 100);
  for (const Duration host : options.scheduler.back_off)
    longest = std::max(longest, host + host * options.scheduler.jitter_percent / 100);
  return longest;
}

Task<bool> wait_for_work(LoopQueue& queue, Destination destination, Duration limit) {
  CourierWait wait(queue, destination, limit);
  co_return co_await wait;
}

bool is_success(Action action) noexcept {
  return action != Action::delayed && action != Action::failed;
}

HostResult host_result(const DeliveryResult& result) {
  if (result.untried || !result.damage.empty()) return HostResult::untried;
  if (result.host_failed) return HostResult::failed;
  const bool took =
      std::ranges::any_of(result.outcomes, [](const Outcome& o) { return is_success(o.action); });
  return took ? HostResult::delivered : HostResult::answered;
}

Outcome no_outcome(std::string text) {
  Outcome outcome;
  outcome.status = {4, 3, 0};
  outcome.text = std::move(text);
  return outcome;
}

/// Both ascend.
void subtract(Few<std::uint32_t>& from, const std::vector<std::uint32_t>& indices) {
  std::vector<std::uint32_t> left;
  std::ranges::set_difference(from, indices, std::back_inserter(left));
  if (left.size() != from.size()) from.assign(left);
}

void unite(Few<std::uint32_t>& to, const std::vector<std::uint32_t>& indices) {
  std::vector<std::uint32_t> all;
  std::ranges::set_union(to, indices, std::back_inserter(all));
  to.assign(all);
}

}  // namespace

void LoopQueue::on_courier_wanted(std::function<void(const Destination&)> start) {
  start_courier_ = std::move(start);
  pump();
}

void LoopQueue::dismiss_couriers() {
  std::vector<WaitingCourier*> waiting;
  scheduler_.for_each([&](const DestinationQueue& queue) {
    waiting.insert(waiting.end(), queue.waiting.begin(), queue.waiting.end());
  });
  for (WaitingCourier* courier : waiting) courier->dismiss();
}

Task<bool> LoopQueue::wait(const Destination& destination, Duration limit) {
  return wait_for_work(*this, destination, limit);
}

void LoopQueue::courier_left(const Destination& destination) {
  scheduler_.courier_left(destination, runtime_.now());
  pump();
}

WallTime LoopQueue::wall_of(TimePoint time) const noexcept {
  return runtime_.wall_now() + std::chrono::ceil<Duration>(time - runtime_.now());
}

TimePoint LoopQueue::time_of(WallTime wall) const noexcept {
  // Far times are cut, so that no arithmetic overflows.
  const Duration ahead = std::min<Duration>(wall - runtime_.wall_now(), 24h * 365);
  return runtime_.now() + ahead;
}

void LoopQueue::work(Work given) {
  RecipientGroup& group = given.record->groups()[given.group];
  if (given.heard != group.told)
    return send(loop_of_group(given.record->groups().front()),
                Crossed{given.record, std::move(given.indices), given.asked});
  const TimePoint now = runtime_.now();
  group.attempts = std::max(group.attempts, given.attempts);
  if (group.place == Scheduled::Place::none) {
    group.indices.assign(given.indices);
    group.keep = given.record;
    group.last = given.last;
    group.was_tried = group.attempts > 0;
    if (given.due && *given.due > runtime_.wall_now())
      scheduler_.add_delayed(group, *group.destination,
                             std::min(time_of(*given.due), now + longest_wait(options_)), now);
    else
      scheduler_.add(group, *group.destination, now);
    if (given.asked) scheduler_.hurry(group, now);
    if (group.home->is_in_back_off(now)) given.record->let_go();
    return;
  }
  unite(group.indices, given.indices);
  if (group.place == Scheduled::Place::active)
    group.again = true;
  else
    scheduler_.hurry(group, now);
}

void LoopQueue::withdraw(const Withdrawal& withdrawal) {
  RecipientGroup& group = withdrawal.record->groups()[withdrawal.group];
  subtract(group.indices, withdrawal.indices);
  const auto place = group.place;
  if (!group.indices.empty() || place == Scheduled::Place::active) return;
  scheduler_.drop(group, runtime_.now());
  leave(group);
}

void LoopQueue::expire(const Expiry& expiry) {
  RecipientGroup& group = expiry.record->groups()[expiry.group];
  group.last = true;
  if (group.place == Scheduled::Place::active) return;  // its end is the answer
  scheduler_.drop(group, runtime_.now());
  Settled settled{.record = expiry.record,
                  .indices = group.indices.list(),
                  .outcomes = {},
                  .attempts = group.attempts,
                  .expired = true};
  leave(group);
  tell(group, std::move(settled));
}

void LoopQueue::tell(RecipientGroup& group, Settled settled) {
  settled.group = group.number;
  ++group.told;
  send(loop_of_group(settled.record->groups().front()), std::move(settled));
}

void LoopQueue::leave(RecipientGroup& group) {
  group.indices.reset(0);
  group.again = false;
  group.asked = false;
  group.last = false;
  group.keep.reset();
}

std::optional<Delivery> LoopQueue::take(const Destination& destination, bool is_connected) {
  RecipientGroup* taken = nullptr;
  do {
    taken =
        static_cast<RecipientGroup*>(scheduler_.take(destination, runtime_.now(), is_connected));
    if (!taken) return std::nullopt;
  } while (!open(*taken));
  RecipientGroup& group = *taken;
  group.is_active = true;
  const TimePoint deadline = runtime_.now() + options_.attempt_limit;
  const Attempt attempt{group.keep, group.number, group.indices.size(), group.attempts == 0,
                        deadline + kCourierGrace};
  (attempt.is_first ? active_queued_ : active_delayed_) += attempt.recipients;
  const std::uint64_t ticket = next_ticket_++;
  attempts_.emplace_hint(attempts_.end(), ticket, attempt);
  Delivery delivery{group.keep, *group.destination, group.indices.list(), group.attempts, ticket,
                    deadline};
  pump();
  return delivery;
}

void LoopQueue::note_connection(const Destination& destination) {
  scheduler_.note_connection(destination, runtime_.now());
  set_alarm();
}

/// What cannot be read is not tried: its owner will hold it.
bool LoopQueue::open(RecipientGroup& group) {
  const auto opened = group.keep->begin_use();
  if (opened) return true;
  if (opened.error().code == store::Errc::io) return open_later(group, opened.error()), false;
  Settled settled{.record = group.keep,
                  .indices = group.indices.list(),
                  .outcomes = {},
                  .attempts = group.attempts};
  settled.outcomes.resize(settled.indices.size(),
                          no_outcome("the envelope cannot be read: " + opened.error().detail));
  scheduler_.finish(group, HostResult::untried, runtime_.now());
  leave(group);
  tell(group, std::move(settled));
  return false;
}

void LoopQueue::finish(Delivery delivery, DeliveryResult result) {
  const auto found = attempts_.find(delivery.ticket);
  if (found == attempts_.end()) return late(std::move(delivery), std::move(result));
  const Attempt attempt = std::move(found->second);
  attempts_.erase(found);
  end_attempt(attempt, std::move(delivery.indices), std::move(result));
  attempt.record->end_use();
  pump();
}

void LoopQueue::end_attempt(const Attempt& attempt, std::vector<std::uint32_t> indices,
                            DeliveryResult result) {
  RecipientGroup& group = attempt.record->groups()[attempt.group];
  (attempt.is_first ? active_queued_ : active_delayed_) -= attempt.recipients;
  group.is_active = false;
  scheduler_.finish(group, host_result(result), runtime_.now());
  if (result.untried) return put_back(attempt.record, group);
  if (result.host_failed && !result.outcomes.empty())
    group.home->trouble = printable(result.outcomes.front().text);

  result.outcomes.resize(indices.size(), no_outcome("the attempt ended without an outcome"));
  ++group.attempts;
  Settled settled{.record = attempt.record,
                  .indices = std::move(indices),
                  .outcomes = std::move(result.outcomes),
                  .attempts = group.attempts,
                  .expired = is_over(*attempt.record, group),
                  .damage = std::move(result.damage)};
  // Held mail is not given up.
  const bool damaged = !settled.damage.empty();
  settled.expired = settled.expired && !damaged;
  std::vector<std::uint32_t> ended;
  for (std::size_t i = 0; i < settled.indices.size(); ++i)
    if (settled.expired || damaged || settled.outcomes[i].action != Action::delayed)
      ended.push_back(settled.indices[i]);
  subtract(group.indices, ended);
  if (group.indices.empty())
    leave(group);
  else
    reschedule(group, result.host_failed, settled);
  tell(group, std::move(settled));
}

void LoopQueue::put_back(const RecordPtr& record, RecipientGroup& group) {
  const bool over = is_over(*record, group);
  if (group.indices.empty())
    leave(group);
  else
    scheduler_.put_back(group, runtime_.now());
  if (over) expire({record, group.number});  // the owner may wait for an answer
}

void LoopQueue::reschedule(RecipientGroup& group, bool host_failed, Settled& settled) {
  const TimePoint now = runtime_.now();
  settled.record->let_go();
  group.was_tried = true;
  if (std::exchange(group.again, false)) {
    settled.next_attempt = runtime_.wall_now();
    return scheduler_.add(group, *group.destination, now);
  }
  const DestinationRule* rule = group.home->rule();
  const Duration wait =
      rule ? retry_.delay_after(group.attempts, rule->retry) : retry_.delay_after(group.attempts);
  const TimePoint due = now + wait;
  const TimePoint when = scheduler_.delay(group, due, host_failed, now);
  settled.next_attempt = std::min(wall_of(when), settled.record->give_up_at(rule));
}

void LoopQueue::late(Delivery delivery, DeliveryResult result) {
  auto record = std::const_pointer_cast<QueuedRecord>(
      std::static_pointer_cast<const QueuedRecord>(delivery.message));
  if (lost_.erase(delivery.ticket) == 0) {
    log_.write(LogLevel::error, "an attempt ended twice", {{"queue_id", id_text(record->id())}});
    return;
  }
  // Better late than twice: what did arrive is not sent again.
  Settled settled;
  settled.record = record;
  settled.attempts = delivery.attempts + 1;
  settled.late = true;
  const std::size_t count = std::min(result.outcomes.size(), delivery.indices.size());
  for (std::size_t i = 0; i < count && !result.untried; ++i) {
    if (!is_success(result.outcomes[i].action)) continue;
    settled.indices.push_back(delivery.indices[i]);
    settled.outcomes.push_back(std::move(result.outcomes[i]));
  }
  record->end_use();
  if (!settled.indices.empty()) send(loop_of_group(record->groups().front()), std::move(settled));
  pump();
}

void LoopQueue::watch_attempts() {
  while (!attempts_.empty() && attempts_.begin()->second.deadline <= runtime_.now()) {
    const Attempt attempt = attempts_.begin()->second;
    lost_.insert(attempts_.begin()->first);
    attempts_.erase(attempts_.begin());
    const RecipientGroup& group = attempt.record->groups()[attempt.group];
    const std::string destination = group.destination->text();
    log_.write(LogLevel::error, "an attempt did not end in time",
               {{"queue_id", attempt.record->queue_id()}, {"destination", destination}});
    DeliveryResult result;
    result.host_failed = true;
    result.outcomes.assign(group.indices.size(), no_outcome("the attempt did not end in time"));
    end_attempt(attempt, group.indices.list(), std::move(result));
  }
}

void LoopQueue::pump() {
  if (pumping_) return;
  pumping_ = true;
  while (start_courier_) {
    const Destination* wanted = scheduler_.next_wanted(runtime_.now());
    if (!wanted) break;
    start_courier_(*wanted);
  }
  pumping_ = false;
  set_alarm();
}

void LoopQueue::turn() noexcept {
  alarm_at_.reset();
  pumping_ = true;  // one alarm at the end
  scheduler_.tick(runtime_.now());
  watch_attempts();
  mind_time();
  save_again();
  settle_again();
  pumping_ = false;
  pump();
}

void LoopQueue::set_alarm() {
  const TimePoint now = runtime_.now();
  TimePoint next = scheduler_.next_event().value_or(TimePoint::max());
  if (!attempts_.empty()) next = std::min(next, attempts_.begin()->second.deadline);
  // An hour at most: the calendar may jump meanwhile.
  if (const auto due = owned_.next_due())
    next = std::min({next, time_of(*due), now + std::chrono::hours(1)});
  for (const auto& again : {save_again_at_, settle_again_at_})
    if (again) next = std::min(next, *again);
  // An alarm that rings early costs less than moving it each time.
  if (next == TimePoint::max() || (alarm_at_ && *alarm_at_ <= next)) return;
  alarm_at_ = next;
  runtime_.start_timer(alarm_, std::chrono::ceil<Duration>(std::max(next, now) - now));
}

}  // namespace postrider::queue
