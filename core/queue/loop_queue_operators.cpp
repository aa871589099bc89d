// SPDX-License-Identifier: MIT
// What operators see and do. Each change is one state of the recipient, made durable by the same
// commit as everything else.
#include <algorithm>

#include "queue/loop_queue.hpp"

namespace postrider::queue {
namespace {

bool waits(const RecipientStatus& status) noexcept {
  return status.state == RecipientState::queued || status.state == RecipientState::delayed;
}

bool shows_damaged(const Selection& selection, const OwnedMessage& message) {
  if (message.damage.empty()) return false;
  if (selection.state && *selection.state != RecipientState::held) return false;
  if (!selection.queue_id.empty())
    return Queue::parse_id(selection.queue_id) == std::optional(message.record->id());
  return selection.sender.empty() && selection.recipient.empty() && selection.destination.empty();
}

bool is_selected(const Selection& selection, const OwnedMessage& message) {
  if (shows_damaged(selection, message)) return true;
  for (std::size_t i = 0; i < message.recipients.size(); ++i)
    if (is_selected(selection, message, i)) return true;
  return false;
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
  const auto& all = owned_.all();
  auto first = all.begin();
  if (!selection.queue_id.empty()) {
    const auto id = parse_id(selection.queue_id);
    first = id ? all.find(*id) : all.end();
  }
  for (auto it = first; it != all.end() && views.size() < selection.limit; ++it) {
    if (is_selected(selection, it->second)) views.push_back(view_of(it->second));
    if (!selection.queue_id.empty()) break;
  }
  return views;
}

std::size_t LoopQueue::change(OwnedMessage& message, const Selection& selection, const Change& one,
                              const After& after) {
  std::vector<std::uint32_t> changed;
  for (std::uint32_t i = 0; i < message.recipients.size(); ++i)
    if (is_selected(selection, message, i) && one(message.recipients[i])) changed.push_back(i);
  if (!changed.empty()) after(message, changed);
  return changed.size();
}

std::size_t LoopQueue::change(const Selection& selection, const Change& one, const After& after) {
  std::size_t changed = 0;
  if (!selection.queue_id.empty()) {
    const auto id = parse_id(selection.queue_id);
    OwnedMessage* message = id ? owned_.find(*id) : nullptr;
    if (message) changed = change(*message, selection, one, after);
  } else {
    for (auto& [id, message] : owned_.all()) changed += change(message, selection, one, after);
  }
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
        hand_out_everywhere(message, indices);
        if (failed_too) save(message);
      });
}

std::size_t LoopQueue::hold(const Selection& selection) {
  return change(
      selection,
      [this](RecipientStatus& status) {
        if (!waits(status)) return false;
        status.reason = "held by the operator" + before(status.reason);
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
        status.reason = "released by the operator, waits for a free connection";
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
    if (message && shows_damaged(selection, *message)) {
      owned_.forget_damage(*message);
      save(*message);
      removed = 1;
    }
  }
  return removed + change(
                       selection,
                       [this](RecipientStatus& status) {
                         status.reason = "removed by the operator";
                         owned_.set_state(status, RecipientState::failed, true);
                         return true;
                       },
                       [this](OwnedMessage& message, const std::vector<std::uint32_t>& indices) {
                         withdraw_everywhere(message, indices);
                         save(message);
                       });
}

void LoopQueue::withdraw_everywhere(const OwnedMessage& message,
                                    const std::vector<std::uint32_t>& indices) {
  const RecordPtr record = message.record;
  std::vector<std::vector<std::uint32_t>> parts(record->groups().size());
  for (const std::uint32_t i : indices) parts[message.groups[i]].push_back(i);
  for (std::uint32_t g = 0; g < parts.size(); ++g)
    if (!parts[g].empty())
      send(loop_of_group(record->groups()[g]), Withdrawal{record, g, std::move(parts[g])});
}

std::vector<DestinationView> LoopQueue::destinations() const {
  std::vector<DestinationView> views;
  const TimePoint now = runtime_.now();
  scheduler_.for_each([&](const DestinationQueue& queue) {
    DestinationView& view = views.emplace_back();
    view.destination = queue.destination().text();
    view.ready = queue.ready();
    view.delayed = queue.delayed();
    view.active = queue.active();
    view.couriers = queue.couriers;
    view.limit = queue.limit();
    view.failures = queue.failures();
    if (queue.is_in_back_off(now))
      view.back_off = std::chrono::ceil<Duration>(queue.back_off_until() - now);
  });
  return views;
}

}  // namespace postrider::queue
