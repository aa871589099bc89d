// SPDX-License-Identifier: MIT
#include "queue/selection.hpp"

namespace postrider::queue {
namespace {

char small(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

bool Selection::is_everything() const {
  return queue_id.empty() && sender.empty() && recipient.empty() && destination.empty() &&
         reason.empty() && !state && !arrived_before && !arrived_after && larger_than == 0 &&
         attempts == 0;
}

bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return true;
  std::size_t p = 0, t = 0, star = pattern.npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && small(pattern[p]) == small(text[t])) {
      ++p;
      ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool occurs(std::string_view part, std::string_view text) {
  return part.empty() || fits("*" + std::string(part) + "*", text);
}

bool covers(const Selection& selection, const OwnedMessage& message) {
  const QueuedRecord& record = *message.record;
  if (!selection.queue_id.empty() && Queue::parse_id(selection.queue_id) != record.id())
    return false;
  if (selection.larger_than > 0 && record.size() <= selection.larger_than) return false;
  if (selection.arrived_before && record.arrived() >= *selection.arrived_before) return false;
  if (selection.arrived_after && record.arrived() <= *selection.arrived_after) return false;
  if (selection.sender.empty()) return true;
  const RecordUse use(message.record);
  const Path& sender = record.reverse_path();
  return use && fits(selection.sender, sender.is_null() ? "<>" : std::string_view(sender.text()));
}

bool is_selected(const Selection& selection, const OwnedMessage& message, std::size_t index) {
  const RecipientStatus& status = message.recipients[index];
  if (status.gone || status.attempts < selection.attempts) return false;
  const RecipientGroup& group = group_of(message, index);
  const RecipientState shown = shown_state(status, group);
  if (selection.state && shown != *selection.state) return false;
  if (!selection.reason.empty() && !occurs(selection.reason, shown_reason(status, shown)))
    return false;
  if (!selection.destination.empty() && !fits(selection.destination, group.destination->text()))
    return false;
  if (selection.recipient.empty()) return true;
  const RecordUse use(message.record);
  return use && fits(selection.recipient, message.record->recipients()[index].path.text());
}

bool is_selected_damage(const Selection& selection, const OwnedMessage& message) {
  if (!message.is_damaged()) return false;
  if (selection.state && *selection.state != RecipientState::held) return false;
  if (!selection.queue_id.empty())
    return Queue::parse_id(selection.queue_id) == message.record->id();
  return selection.sender.empty() && selection.recipient.empty() && selection.destination.empty() &&
         selection.attempts == 0 && selection.larger_than == 0 && !selection.arrived_before &&
         !selection.arrived_after && occurs(selection.reason, message.rest->damage);
}

bool is_any_selected(const Selection& selection, const OwnedMessage& message) {
  if (is_selected_damage(selection, message)) return true;
  const AddressesRead read(selection, message);
  if (!covers(selection, message)) return false;
  for (std::size_t i = 0; i < message.recipients.size(); ++i)
    if (is_selected(selection, message, i)) return true;
  return false;
}

}  // namespace postrider::queue
