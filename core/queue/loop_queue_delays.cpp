// SPDX-License-Identifier: MIT
// Mail that waits: at a certain age outcome hooks hear of each recipient that still does, and may
// tell the sender (RFC 3461 section 5.2.6: "delayed"). Attempts do not matter here: a destination
// in back-off makes few of them. Once told, the queue remembers it in the state of the recipient.
#include "queue/loop_queue.hpp"

namespace postrider::queue {
namespace {

Outcome delay_of(const RecipientStatus& status) {
  Outcome outcome;
  outcome.action = Action::delayed;
  outcome.status = status.status.klass == 4 ? status.status : EnhancedStatus{4, 4, 0};
  outcome.text = status.reason.empty() ? "it waits for its first attempt" : status.reason;
  outcome.remote = status.remote;
  outcome.reply = status.reply;
  return outcome;
}

bool waits_untold(const RecipientStatus& status) noexcept {
  const bool waits =
      status.state == RecipientState::queued || status.state == RecipientState::delayed;
  return waits && !status.gone && status.settling == 0 && !status.delay_reported;
}

}  // namespace

void LoopQueue::remind_later(OwnedMessage& message) {
  const plugin::ChainsPtr chains = this->chains();
  const Duration notice = chains ? chains->delay_notice() : Duration();
  if (notice == Duration() || message.record->reverse_path().is_null()) return;
  owned_.remind(message, message.record->arrived() + notice);
}

void LoopQueue::tell_delays() {
  while (const auto id = owned_.take_reminder(runtime_.wall_now()))
    if (OwnedMessage* message = owned_.find(*id)) tell_delay(*message);
}

void LoopQueue::tell_delay(OwnedMessage& message) {
  message.remind_at.reset();
  const plugin::ChainsPtr chains = this->chains();
  Settled settled{.record = message.record, .indices = {}, .outcomes = {}};
  for (std::uint32_t i = 0; i < message.recipients.size(); ++i) {
    if (!waits_untold(message.recipients[i])) continue;
    settled.indices.push_back(i);
    settled.outcomes.push_back(delay_of(message.recipients[i]));
  }
  if (settled.indices.empty() || !chains || !chains->has_outcome_hooks()) return;
  settled.waited = settled.indices;
  std::vector<RecipientOutcome> outcomes = outcomes_of(message, settled);
  for (const std::uint32_t index : settled.indices) message.recipients[index].delay_asked = true;
  tasks_.spawn(report_delay(std::move(settled), std::move(outcomes), chains));
}

Task<void> LoopQueue::report_delay(Settled settled, std::vector<RecipientOutcome> outcomes,
                                   plugin::ChainsPtr chains) {
  const RecordUse use(settled.record);
  plugin::Reports written = co_await chains->report(*settled.record, outcomes);
  OwnedMessage* message = owned_.find(settled.record->id());
  if (!message) co_return;
  for (const std::uint32_t index : settled.indices) message->recipients[index].delay_asked = false;
  if (written.reports.empty()) co_return;
  add_reports(*message, settled.indices, std::move(written.reports), chains.get());
  save(*message);
  pump();
}

}  // namespace postrider::queue
