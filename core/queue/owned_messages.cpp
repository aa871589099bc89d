// SPDX-License-Identifier: MIT
#include "queue/owned_messages.hpp"

#include <algorithm>

namespace postrider::queue {

RecipientState shown_state(const RecipientStatus& status, const RecipientGroup& group) {
  const bool waits =
      status.state == RecipientState::queued || status.state == RecipientState::delayed;
  return waits && group.is_active ? RecipientState::active : status.state;
}

std::string shown_reason(const RecipientStatus& status, RecipientState shown) {
  if (shown == RecipientState::active) return "an attempt is under way";
  if (!status.last().reason.empty()) return status.last().reason;
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

WallTime give_up_of(const QueuedRecord& record, const RecipientGroup& group,
                    const DestinationRules* rules) {
  const bool may_differ = rules && rules->have_give_up();
  return record.give_up_at(may_differ ? rules->find(*group.destination) : nullptr);
}

const RecipientGroup& group_of(const OwnedMessage& message, std::size_t index) {
  return message.record->groups()[message.recipients[index].group];
}

namespace {

RecipientView view_of(const OwnedMessage& message, std::size_t index,
                      const DestinationRules* rules) {
  const RecipientStatus& status = message.recipients[index];
  const RecipientGroup& group = group_of(message, index);
  RecipientView view;
  view.state = shown_state(status, group);
  view.destination = group.destination->text();
  view.attempts = status.attempts;
  if (status.state == RecipientState::delayed) view.next_attempt = status.next_attempt;
  view.give_up_at = give_up_of(*message.record, group, rules);
  view.status = status.last().status.text();
  view.reason = shown_reason(status, view.state);
  if (message.ending() && status.given_up && status.settling != 0 && view.next_attempt) {
    view.next_attempt.reset();
    view.reason = "its time is up; the report waits for the attempts under way";
  }
  view.remote = status.last().remote;
  return view;
}

}  // namespace

bool OwnedMessage::is_done() const noexcept {
  return !is_damaged() && std::ranges::all_of(recipients, &RecipientStatus::gone);
}

OwnedMessage& OwnedMessages::add(OwnedMessage message) {
  const store::MessageId id = message.record->id();
  for (const RecipientStatus& status : message.recipients) count(status, 1);
  if (message.is_damaged()) ++counts_.held;
  for (const RecipientGroup& group : message.record->groups())
    for (const std::uint32_t index : group.indices) message.recipients[index].group = group.number;
  const auto place = messages_.insert_or_assign(messages_.end(), id, std::move(message));
  counts_.messages = messages_.size();
  OwnedMessage& added = place->second;
  added.due = added.record->give_up_at();
  added.next = OwnedMessage::Next::expiry;
  due_.push(added);
  return added;
}

void OwnedMessages::erase(store::MessageId id) {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return;
  OwnedMessage& message = found->second;
  if (message.next != OwnedMessage::Next::nothing) due_.erase(message);
  for (const RecipientStatus& status : message.recipients) count(status, -1);
  if (message.is_damaged()) --counts_.held;
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
  if (!message.is_damaged()) return;
  --counts_.held;
  message.rest->damage.clear();
}

void OwnedMessages::set_expiry(OwnedMessage& message, std::optional<WallTime> when) {
  using enum OwnedMessage::Next;
  if (message.next == reminder && (!when || message.due <= *when)) return;  // comes first
  const bool is_in_heap = message.next != nothing;
  if (is_in_heap && !when) due_.erase(message);
  message.next = when ? expiry : nothing;
  if (!when) return;
  message.due = *when;
  is_in_heap ? due_.moved(message) : due_.push(message);
}

void OwnedMessages::remind(OwnedMessage& message, WallTime when) {
  if (message.next != OwnedMessage::Next::expiry || when >= message.due) return;
  message.next = OwnedMessage::Next::reminder;
  message.due = when;
  due_.moved(message);
}

void OwnedMessages::move_times(Duration by, WallTime now, Duration life) {
  (void)due_.release();
  for (auto& [id, message] : messages_) {
    if (!message.is_damaged()) {
      message.record->move_times(by, now, life);
      message.due += by;
      for (RecipientStatus& status : message.recipients)
        if (status.state == RecipientState::delayed) status.next_attempt += by;
    }
    if (message.next != OwnedMessage::Next::nothing) due_.push(message);
  }
}

std::optional<OwnedMessages::Due> OwnedMessages::take_due(WallTime now) {
  if (due_.is_empty() || due_.top()->due > now) return std::nullopt;
  OwnedMessage& message = *due_.top();
  const Due due{message.record->id(), message.next};
  message.next = OwnedMessage::Next::nothing;
  due_.erase(message);
  return due;
}

std::optional<WallTime> OwnedMessages::next_due() const noexcept {
  if (due_.is_empty()) return std::nullopt;
  return due_.top()->due;
}

MessageView view_of(const OwnedMessage& message, const DestinationRules* rules) {
  MessageView view;
  view.queue_id = Queue::id_text(message.record->id());
  view.size = message.record->size();
  view.arrived = message.record->arrived();
  view.give_up_at = message.record->give_up_at();
  if (message.is_damaged()) {
    RecipientView& damaged = view.recipients.emplace_back();
    damaged.state = RecipientState::held;
    damaged.reason = message.rest->damage;
    return view;
  }
  const RecordUse use(message.record);
  if (use) view.reverse_path = message.record->reverse_path().text();
  for (std::size_t i = 0; i < message.recipients.size(); ++i) {
    if (message.recipients[i].gone) continue;
    RecipientView& shown = view.recipients.emplace_back(view_of(message, i, rules));
    if (use) shown.address = message.record->recipients()[i].path.text();
    if (!use) shown.reason += "; the envelope cannot be read: " + use.error().detail;
  }
  return view;
}

}  // namespace postrider::queue
