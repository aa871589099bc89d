// SPDX-License-Identifier: MIT
// What operators see and do. Each change is one state of the recipient, made durable by the same
// commit as everything else.
#include <algorithm>

#include "queue/loop_queue.hpp"
#include "queue/selection.hpp"

namespace postrider::queue {
namespace {

bool waits(const RecipientStatus& status) noexcept {
  return status.state == RecipientState::queued || status.state == RecipientState::delayed;
}

std::string before(const std::string& reason) {
  return reason.empty() ? std::string() : "; before: " + reason;
}

}  // namespace

QueueCounts LoopQueue::counts() const {
  QueueCounts counts = owned_.counts();
  counts.queued -= std::min(counts.queued, active_queued_);
  counts.delayed -= std::min(counts.delayed, active_delayed_);
  counts.active = active_queued_ + active_delayed_;
  counts.delivered_total = delivered_total_;
  counts.failed_total = failed_total_;
  counts.destinations = scheduler_.destinations();
  return counts;
}

std::vector<MessageView> LoopQueue::list(const Selection& selection) const {
  std::vector<MessageView> views;
  for (const auto& [id, message] : range_of(owned_.all(), selection)) {
    if (views.size() >= selection.limit) break;
    if (is_any_selected(selection, message))
      views.push_back(view_of(message, scheduler_.rules().get()));
  }
  return views;
}

void LoopQueue::tally(const Selection& selection, TallyKey key, TallyTable& table) const {
  const WallTime now = runtime_.wall_now();
  for (const auto& [id, message] : range_of(owned_.all(), selection))
    count(table, key, selection, message, now);
}

store::MessageId LoopQueue::newest() const noexcept {
  return owned_.all().empty() ? 0 : owned_.all().rbegin()->first;
}

std::optional<store::MessageId> LoopQueue::slice_end(store::MessageId first,
                                                     std::size_t size) const {
  const auto& all = owned_.all();
  std::optional<store::MessageId> last;
  std::size_t recipients = 0;
  for (auto it = all.lower_bound(first); it != all.end() && recipients < size; ++it) {
    recipients += 1 + it->second.recipients.size();
    last = it->first;
  }
  return last;
}

std::size_t LoopQueue::change(OwnedMessage& message, const Selection& selection, const Change& one,
                              const After& after) {
  std::vector<std::uint32_t> changed;
  const AddressesRead read(selection, message);
  if (!covers(selection, message)) return 0;
  for (std::uint32_t i = 0; i < message.recipients.size(); ++i) {
    RecipientStatus& status = message.recipients[i];
    if (!is_selected(selection, message, i) || !one(status)) continue;
    if (status.word) status.word = words_.share(*status.word);
    changed.push_back(i);
  }
  if (!changed.empty()) after(message, changed);
  return changed.size();
}

std::size_t LoopQueue::change(const Selection& selection, const Change& one, const After& after) {
  std::size_t changed = 0;
  for (auto& [id, message] : range_of(owned_.all(), selection))
    changed += change(message, selection, one, after);
  pump();
  return changed;
}

std::size_t LoopQueue::retry(const Selection& selection) {
  const bool failed_too = selection.state == RecipientState::failed;
  return change(
      selection,
      [&](RecipientStatus& status) {
        if (status.settling != 0) return false;
        if (!waits(status) && !(failed_too && status.state == RecipientState::failed)) return false;
        if (status.state == RecipientState::failed)
          owned_.set_state(status, RecipientState::queued, false);
        status.next_attempt = runtime_.wall_now();
        return true;
      },
      [this, failed_too](OwnedMessage& message, const std::vector<std::uint32_t>& indices) {
        hand_out_everywhere(message, indices, true);
        if (failed_too) save(message);
      });
}

std::size_t LoopQueue::hold(const Selection& selection) {
  return change(
      selection,
      [this](RecipientStatus& status) {
        if (!waits(status)) return false;
        status.give_reason("held by the operator" + before(status.last().reason));
        owned_.set_state(status, RecipientState::held, false);
        return true;
      },
      [this](OwnedMessage& message, const std::vector<std::uint32_t>& indices) {
        withdraw_everywhere(message, indices);
        save(message);
      });
}

std::size_t LoopQueue::release(const Selection& selection) {
  return change(
      selection,
      [this](RecipientStatus& status) {
        if (status.state != RecipientState::held || status.settling != 0) return false;
        status.give_reason("released by the operator, waits for a free connection");
        owned_.set_state(status, RecipientState::queued, false);
        return true;
      },
      [this](OwnedMessage& message, const std::vector<std::uint32_t>& indices) {
        hand_out_everywhere(message, indices);
        save(message);
      });
}

std::size_t LoopQueue::remove(const Selection& selection) {
  std::size_t removed = 0;
  if (!selection.queue_id.empty()) {
    const auto id = parse_id(selection.queue_id);
    OwnedMessage* message = id ? owned_.find(*id) : nullptr;
    if (message && is_selected_damage(selection, *message)) {
      owned_.forget_damage(*message);
      save(*message);
      removed = 1;
    }
  }
  return removed + change(
                       selection,
                       [this](RecipientStatus& status) {
                         owned_.set_state(status, RecipientState::failed, true);
                         return true;
                       },
                       [this](OwnedMessage& message, const std::vector<std::uint32_t>& indices) {
                         withdraw_everywhere(message, indices);
                         save(message);
                       });
}

/// The outcome that work crossed is here by now: who came to an end is not tried again.
void LoopQueue::look_again(const Crossed& crossed) {
  OwnedMessage* message = owned_.find(crossed.record->id());
  if (!message) return;
  std::vector<std::uint32_t> indices;
  for (const std::uint32_t index : crossed.indices) {
    RecipientStatus& status = message->recipients[index];
    if (!waits(status) || status.ends) continue;
    status.next_attempt = runtime_.wall_now();
    indices.push_back(index);
  }
  hand_out_everywhere(*message, indices, crossed.asked);
}

void LoopQueue::withdraw_everywhere(const OwnedMessage& message,
                                    const std::vector<std::uint32_t>& indices) {
  const RecordPtr record = message.record;
  std::vector<std::vector<std::uint32_t>> parts(record->groups().size());
  for (const std::uint32_t i : indices) parts[message.recipients[i].group].push_back(i);
  for (std::uint32_t g = 0; g < parts.size(); ++g)
    if (!parts[g].empty())
      send(loop_of_group(record->groups()[g]), Withdrawal{record, g, std::move(parts[g])});
}

}  // namespace postrider::queue
