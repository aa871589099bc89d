// SPDX-License-Identifier: MIT
#include "queue/owned_messages.hpp"

#include <algorithm>

namespace postrider::queue {

RecipientState shown_state(const RecipientStatus& status, const RecipientGroup* group) {
  const bool waits =
      status.state == RecipientState::queued || status.state == RecipientState::delayed;
  return waits && group && group->is_active ? RecipientState::active : status.state;
}

std::string shown_reason(const RecipientStatus& status, RecipientState shown) {
  if (shown == RecipientState::active) return "an attempt is under way";
  if (!status.reason.empty()) return status.reason;
  switch (status.state) {
    case RecipientState::delivered:
      return "delivered";
    case RecipientState::held:
      return "held until the operator releases it";
    case RecipientState::delayed:
      return "waits for its next attempt";
    default:
      return "waits for its first attempt or a free connection";
  }
}

const RecipientGroup* group_of(const OwnedMessage& message, std::size_t index) {
  if (index >= message.groups.size()) return nullptr;
  return &message.record->groups()[message.groups[index]];
}

namespace {

RecipientView view_of(const OwnedMessage& message, std::size_t index) {
  const RecipientStatus& status = message.recipients[index];
  const RecipientGroup* group = group_of(message, index);
  RecipientView view;
  view.address = message.record->recipients()[index].path.text();
  view.state = shown_state(status, group);
  if (group) view.destination = group->destination.text();
  view.attempts = status.attempts;
  if (status.state == RecipientState::delayed) view.next_attempt = status.next_attempt;
  view.status = status.status.text();
  view.reason = shown_reason(status, view.state);
  if (message.ending && status.settling != 0 && view.next_attempt) {
    view.next_attempt.reset();
    view.reason = "its time is up; the report waits for the attempts under way";
  }
  view.remote = status.remote;
  return view;
}

}  // namespace

bool OwnedMessage::is_done() const noexcept {
  return damage.empty() && std::ranges::all_of(recipients, &RecipientStatus::gone);
}

OwnedMessage& OwnedMessages::add(OwnedMessage message) {
  const store::MessageId id = message.record->id();
  expiries_.emplace(message.record->give_up_at(), id);
  for (const RecipientStatus& status : message.recipients) count(status, 1);
  if (!message.damage.empty()) ++counts_.held;
  message.groups.resize(message.recipients.size());
  for (const RecipientGroup& group : message.record->groups())
    for (const std::uint32_t index : group.indices) message.groups[index] = group.number;
  const auto place = messages_.insert_or_assign(messages_.end(), id, std::move(message));
  counts_.messages = messages_.size();
  return place->second;
}

void OwnedMessages::erase(store::MessageId id) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return;
  const OwnedMessage& message = found->second;
  expiries_.erase({message.record->give_up_at(), id});
  if (message.remind_at) reminders_.erase({*message.remind_at, id});
  for (const RecipientStatus& status : message.recipients) count(status, -1);
  if (!message.damage.empty()) --counts_.held;
  messages_.erase(found);
  counts_.messages = messages_.size();
}

OwnedMessage* OwnedMessages::find(store::MessageId id) {
  const auto found = messages_.find(id);
  return found == messages_.end() ? nullptr : &found->second;
}

std::uint64_t* OwnedMessages::count_of(RecipientState state) noexcept {
  switch (state) {
    case RecipientState::queued:
      return &counts_.queued;
    case RecipientState::delayed:
      return &counts_.delayed;
    case RecipientState::held:
      return &counts_.held;
    case RecipientState::failed:
      return &counts_.failed;
    case RecipientState::active:
    case RecipientState::delivered:
      break;
  }
  return nullptr;
}

void OwnedMessages::count(const RecipientStatus& status, int step) noexcept {
  std::uint64_t* counter = status.gone ? nullptr : count_of(status.state);
  if (counter) *counter += static_cast<std::uint64_t>(static_cast<std::int64_t>(step));
}

void OwnedMessages::set_state(RecipientStatus& status, RecipientState state, bool gone) {
  count(status, -1);
  status.state = state;
  status.gone = gone;
  count(status, 1);
}

void OwnedMessages::forget_damage(OwnedMessage& message) {
  if (!message.damage.empty()) --counts_.held;
  message.damage.clear();
}

std::optional<store::MessageId> OwnedMessages::take_expired(WallTime now) {
  if (expiries_.empty() || expiries_.begin()->first > now) return std::nullopt;
  const store::MessageId id = expiries_.begin()->second;
  expiries_.erase(expiries_.begin());
  return id;
}

std::optional<WallTime> OwnedMessages::next_expiry() const noexcept {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

void OwnedMessages::remind(OwnedMessage& message, WallTime when) {
  message.remind_at = when;
  reminders_.emplace(when, message.record->id());
}

std::optional<store::MessageId> OwnedMessages::take_reminder(WallTime now) {
  if (reminders_.empty() || reminders_.begin()->first > now) return std::nullopt;
  const store::MessageId id = reminders_.begin()->second;
  reminders_.erase(reminders_.begin());
  return id;
}

std::optional<WallTime> OwnedMessages::next_reminder() const noexcept {
  if (reminders_.empty()) return std::nullopt;
  return reminders_.begin()->first;
}

MessageView view_of(const OwnedMessage& message) {
  MessageView view;
  view.queue_id = message.record->queue_id();
  view.reverse_path = message.record->reverse_path().text();
  view.size = message.record->size();
  view.arrived = message.record->arrived();
  view.give_up_at = message.record->give_up_at();
  for (std::size_t i = 0; i < message.recipients.size(); ++i)
    if (!message.recipients[i].gone) view.recipients.push_back(view_of(message, i));
  if (!message.damage.empty()) {
    RecipientView& damaged = view.recipients.emplace_back();
    damaged.state = RecipientState::held;
    damaged.reason = message.damage;
  }
  return view;
}

}  // namespace postrider::queue
