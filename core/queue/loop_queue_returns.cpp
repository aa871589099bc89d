// SPDX-License-Identifier: MIT
// The operator gives recipients up now, with a report to the sender. The loop of each destination
// takes out what waits there and says so; when all have answered, one outcome settles them: one
// report, one durable step. An attempt under way is left alone, for it may succeed.
#include <algorithm>
#include <map>

#include "queue/loop_queue.hpp"
#include "queue/selection.hpp"

namespace postrider::queue {
namespace {

/// RFC 3463 has no status for it: 5.0.0.
Outcome returned(const RecipientStatus& status, const std::string& why) {
  Outcome outcome;
  outcome.action = Action::failed;
  outcome.status = {5, 0, 0};
  outcome.text = "returned by the operator" + (why.empty() ? std::string() : ": " + why);
  const LastWord& last = status.last();
  if (!last.reason.empty()) outcome.text += "; before: " + last.reason;
  outcome.remote = last.remote;
  outcome.reply = last.reply;
  return outcome;
}

}  // namespace

std::size_t LoopQueue::bounce(const Selection& selection, const std::string& why) {
  std::size_t asked = 0;
  for (auto& [id, message] : range_of(owned_.all(), selection))
    asked += bounce(message, selection, why);
  pump();
  return asked;
}

std::size_t LoopQueue::bounce(OwnedMessage& message, const Selection& selection,
                              const std::string& why) {
  const store::MessageId id = message.record->id();
  const AddressesRead read(selection, message);
  if (!covers(selection, message) || returns_.contains(id)) return 0;
  std::map<std::uint32_t, std::vector<std::uint32_t>> groups;
  std::size_t asked = 0;
  for (std::uint32_t i = 0; i < message.recipients.size(); ++i) {
    const RecipientStatus& status = message.recipients[i];
    if (!is_selected(selection, message, i) || status.settling > 0) continue;
    if (shown_state(status, group_of(message, i)) == RecipientState::active) continue;
    groups[status.group].push_back(i);
    ++asked;
  }
  if (groups.empty()) return 0;
  Returning& returning = returns_[id];
  returning.why = why;
  for (const auto& [group, indices] : groups) {
    returning.awaited.insert(group);
    for (const std::uint32_t index : indices) message.recipients[index].begin_settling(true);
    returning.indices.insert(returning.indices.end(), indices.begin(), indices.end());
  }
  // Those on this loop answer before send() returns.
  const RecordPtr record = message.record;
  for (auto& [group, indices] : groups)
    send(loop_of_group(record->groups()[group]),
         Recall{record, group, std::move(indices), record->groups()[group].heard});
  return asked;
}

/// On the destination's loop.
void LoopQueue::recall(Recall recall) {
  RecipientGroup& group = recall.record->groups()[recall.group];
  Recalled answer{recall.record, recall.group, {}};
  if (group.place != Scheduled::Place::active && recall.heard == group.told) {
    withdraw({recall.record, recall.group, recall.indices});
    answer.indices = std::move(recall.indices);
  }
  send(loop_of_group(recall.record->groups().front()), std::move(answer));
}

/// Back on the message's loop.
void LoopQueue::recalled(Recalled answer) {
  const store::MessageId id = answer.record->id();
  const auto found = returns_.find(id);
  if (found == returns_.end()) return;
  OwnedMessage* message = owned_.find(id);
  if (!message) return (void)returns_.erase(found);  // removed meanwhile
  std::erase_if(found->second.indices, [&](std::uint32_t index) {
    RecipientStatus& status = message->recipients[index];
    const bool is_refused = status.group == answer.group && answer.indices.empty();
    if (is_refused || status.gone) status.end_settling();
    return is_refused || status.gone;
  });
  found->second.awaited.erase(answer.group);
  if (!found->second.awaited.empty()) return;
  const Returning returning = std::move(found->second);
  returns_.erase(found);
  if (returning.indices.empty()) return;
  Settled settled{.record = answer.record, .indices = returning.indices, .outcomes = {}};
  std::ranges::sort(settled.indices);
  settled.waited = settled.indices;
  for (const std::uint32_t index : settled.indices) {
    message->recipients[index].end_settling();
    settled.outcomes.push_back(returned(message->recipients[index], returning.why));
  }
  settle(std::move(settled));
}

std::size_t LoopQueue::set_give_up(const Selection& selection, const GiveUpTime& time) {
  std::size_t changed = 0;
  for (auto& [id, message] : range_of(owned_.all(), selection)) {
    const bool is_ending = message.is_damaged() || message.ending();
    if (is_ending || !is_any_selected(selection, message)) continue;
    for (RecipientStatus& status : message.recipients)
      status.given_up = false;  // held mail may be past it
    message.record->set_give_up(time.of(message.record->arrived()), true);
    watch_time(message);
    save(message);
    ++changed;
  }
  pump();
  return changed;
}

}  // namespace postrider::queue
