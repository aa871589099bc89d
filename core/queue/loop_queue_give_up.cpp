// SPDX-License-Identifier: MIT
// Giving a message up, on the loop that owns it. The loop of each destination says what waited
// there, or how the attempt under way ended. What failed is kept back until all have answered, so
// that the sender gets one report of it, in one durable step; what was delivered is not kept back.
#include <algorithm>

#include "queue/loop_queue.hpp"

namespace postrider::queue {
namespace {

constexpr Duration kCalendarJump = 1min;

bool waits(const RecipientStatus& status) noexcept {
  const bool waiting =
      status.state == RecipientState::queued || status.state == RecipientState::delayed;
  return waiting && !status.gone;
}

/// RFC 3463: 4.4.7 is "delivery time expired"; as the end of all attempts it is permanent.
void turn_into_failure(Outcome& outcome, const std::string& reason) {
  outcome.action = Action::failed;
  outcome.status = {5, 4, 7};
  outcome.text = "delivery time expired; " + reason;
}

}  // namespace

/// Mail is given up after time that passed, so its times move with a calendar that was put right.
/// Nobody gets more than a whole life by that: a message may be older than the wrong calendar.
void LoopQueue::mind_calendar() {
  const Duration is = std::chrono::floor<Duration>(runtime_.wall_now().time_since_epoch() -
                                                   runtime_.exact_now().time_since_epoch());
  const Duration jump = is - calendar_.value_or(is);
  if (calendar_ && std::chrono::abs(jump) < kCalendarJump) return;
  calendar_ = is;
  if (jump == Duration()) return;
  owned_.move_times(jump, runtime_.wall_now(), options_.give_up);
  for (auto& [id, message] : owned_.all()) {
    if (message.is_damaged()) continue;
    if (message.next == OwnedMessage::Next::expiry) watch_time(message);
    if (!std::exchange(message.unsaved, true)) unsaved_.push_back(id);
  }
  save_again_at_ = runtime_.now();
  log_.write(LogLevel::warning, "the calendar jumped; the times of waiting mail move with it",
             {{"by_s", std::to_string(std::chrono::round<std::chrono::seconds>(jump).count())},
              {"messages", std::to_string(unsaved_.size())}});
}

void LoopQueue::mind_time() {
  mind_calendar();
  while (const auto due = owned_.take_due(runtime_.wall_now())) {
    OwnedMessage* message = owned_.find(due->id);
    if (!message) continue;
    if (due->what == OwnedMessage::Next::expiry) {
      give_up(*message, std::nullopt);
    } else {
      watch_time(*message);
      tell_delay(*message);
    }
  }
}

/// When some recipients are given up next: those of a destination may have a time of their own.
void LoopQueue::watch_time(OwnedMessage& message) {
  const Few<RecipientGroup>& groups = message.record->groups();
  std::vector<std::optional<WallTime>> times(groups.size());
  std::optional<WallTime> next;
  for (const RecipientStatus& status : message.recipients) {
    if (status.gone || status.given_up) continue;
    std::optional<WallTime>& time = times[status.group];
    if (time) continue;
    time = give_up_of(*message.record, groups[status.group], scheduler_.rules().get());
    next = std::min(*time, next.value_or(*time));
  }
  owned_.set_expiry(message, next);
}

void LoopQueue::set_rules(DestinationRulesPtr rules) {
  const auto have_give_up = [](const DestinationRulesPtr& some) {
    return some && some->have_give_up();
  };
  const bool times_change = have_give_up(scheduler_.rules()) || have_give_up(rules);
  scheduler_.set_rules(std::move(rules), runtime_.now());
  if (times_change) tasks_.spawn(watch_times(*this));
  pump();
}

/// The rules are others now.
Task<void> LoopQueue::watch_times(LoopQueue& queue) {
  constexpr std::size_t kSlice = 300;
  std::optional<store::MessageId> from = 0;
  while (from) {
    auto& all = queue.owned_.all();
    auto it = all.lower_bound(*from);
    for (std::size_t n = 0; n < kSlice && it != all.end(); ++n, ++it) queue.watch_time(it->second);
    from = it == all.end() ? std::nullopt : std::optional(it->first);
    queue.set_alarm();
    if (from) co_await sleep_for(queue.runtime_, 0ms);
  }
}

/// The owner alone knows of a calendar that jumped; the operator may have given it more time since.
bool LoopQueue::is_over(const QueuedRecord& record, const RecipientGroup& group) const noexcept {
  return group.last && runtime_.wall_now() >= record.give_up_at(group.home->rule());
}

/// Asks the loops of the destinations for which its time is up, but not `answered`, for which it is
/// anyway. Those on this loop answer before it returns.
void LoopQueue::give_up(OwnedMessage& message, std::optional<std::uint32_t> answered) {
  const RecordPtr record = message.record;
  const WallTime now = runtime_.wall_now();
  std::vector<bool> is_up;
  for (const RecipientGroup& group : record->groups())
    is_up.push_back(group.number == answered ||
                    give_up_of(*record, group, scheduler_.rules().get()) <= now);
  std::set<std::uint32_t> groups;
  for (RecipientStatus& status : message.recipients) {
    if (!is_up[status.group] || std::exchange(status.given_up, true)) continue;
    if (waits(status)) groups.insert(status.group);
  }
  watch_time(message);
  if (groups.empty()) return;
  OwnedMessage::Rest& rest = message.own_rest();
  if (!rest.ending) rest.ending = std::make_unique<Ending>();
  rest.ending->awaited.insert(groups.begin(), groups.end());
  if (answered) groups.erase(*answered);
  for (const std::uint32_t group : groups)
    send(loop_of_group(record->groups()[group]), Expiry{record, group});
}

/// What is left in `settled` is to be told now.
void LoopQueue::end(OwnedMessage& message, Settled& settled) {
  complete(message, settled);
  give_up(message, settled.group);
  if (!message.ending() || message.rest->ending->awaited.erase(settled.group) == 0) return;
  keep_back(message, settled);
  if (message.ending()->awaited.empty()) tell_all(message, settled);
}

void LoopQueue::complete(const OwnedMessage& message, Settled& settled) const {
  if (settled.outcomes.empty()) settled.waited = settled.indices;
  settled.outcomes.resize(settled.indices.size());
  for (std::size_t i = 0; i < settled.indices.size(); ++i) {
    Outcome& outcome = settled.outcomes[i];
    if (outcome.action != Action::delayed) continue;
    const RecipientStatus& status = message.recipients[settled.indices[i]];
    const bool tried = outcome.status.is_set();
    const LastWord& word = status.last();
    if (!tried) outcome.remote = word.remote;
    if (!tried) outcome.reply = word.reply;
    turn_into_failure(outcome, tried                 ? reason_of(outcome)
                               : word.reason.empty() ? "it could never be tried"
                                                     : word.reason);
  }
}

void LoopQueue::keep_back(OwnedMessage& message, Settled& settled) {
  Ending& ending = *message.rest->ending;
  ending.waited.insert(ending.waited.end(), settled.waited.begin(), settled.waited.end());
  std::size_t kept = 0;
  for (std::size_t i = 0; i < settled.indices.size(); ++i) {
    const std::uint32_t index = settled.indices[i];
    if (settled.outcomes[i].action == Action::failed) {
      ending.failed.emplace(index, std::move(settled.outcomes[i]));
      message.recipients[index].begin_settling(true);
      continue;
    }
    settled.indices[kept] = index;
    if (kept != i) settled.outcomes[kept] = std::move(settled.outcomes[i]);
    ++kept;
  }
  settled.indices.resize(kept);
  settled.outcomes.resize(kept);
}

/// Nobody will be told: who was kept back for that.
std::vector<std::uint32_t> LoopQueue::take_kept_back(OwnedMessage& message) {
  std::vector<std::uint32_t> kept;
  if (!message.ending()) return kept;
  for (const auto& [index, outcome] : message.ending()->failed) {
    message.recipients[index].end_settling();
    kept.push_back(index);
  }
  message.rest->ending.reset();
  return kept;
}

void LoopQueue::tell_all(OwnedMessage& message, Settled& settled) {
  const auto ending = std::exchange(message.rest->ending, nullptr);
  for (auto& [index, outcome] : ending->failed) {
    RecipientStatus& status = message.recipients[index];
    status.end_settling();
    if (!waits(status)) continue;  // the operator held or removed it meanwhile
    settled.indices.push_back(index);
    settled.outcomes.push_back(std::move(outcome));
  }
  settled.waited = std::move(ending->waited);
  std::ranges::sort(settled.waited);
}

}  // namespace postrider::queue
