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
  const LastWord& word = status.last();
  outcome.status = word.status.klass == 4 ? word.status : EnhancedStatus{4, 4, 0};
  outcome.text = word.reason.empty() ? "it waits for its first attempt" : word.reason;
  outcome.remote = word.remote;
  outcome.reply = word.reply;
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
  if (notice == Duration() || message.record->has_null_sender()) return;
  owned_.remind(message, message.record->arrived() + notice);
}

void LoopQueue::tell_delay(OwnedMessage& message) {
  const plugin::ChainsPtr chains = this->chains();
  Settled settled{.record = message.record, .indices = {}, .outcomes = {}};
  for (std::uint32_t i = 0; i < message.recipients.size(); ++i) {
    if (!waits_untold(message.recipients[i])) continue;
    settled.indices.push_back(i);
    settled.outcomes.push_back(delay_of(message.recipients[i]));
  }
  if (settled.indices.empty() || !chains || !chains->has_outcome_hooks()) return;
  settled.waited = settled.indices;
  auto use = std::make_unique<RecordUse>(message.record);
  if (!*use) {  // what is damaged is held when it is tried
    if (use->error().code == store::Errc::io) owned_.remind(message, runtime_.wall_now() + 1min);
    return;
  }
  std::vector<RecipientOutcome> outcomes = outcomes_of(message, settled);
  for (const std::uint32_t index : settled.indices) message.recipients[index].delay_asked = true;
  tasks_.spawn(report_delay(std::move(settled), std::move(outcomes), chains, std::move(use)));
}

Task<void> LoopQueue::report_delay(Settled settled, std::vector<RecipientOutcome> outcomes,
                                   plugin::ChainsPtr chains, std::unique_ptr<RecordUse> /*use*/) {
  plugin::Reports written = co_await chains->report(*settled.record, outcomes);
  OwnedMessage* message = owned_.find(settled.record->id());
  if (!message) co_return;
  for (const std::uint32_t index : settled.indices) message->recipients[index].delay_asked = false;
  if (written.reports.empty() || !is_any_left(*message, settled.indices)) co_return;
  add_reports(*message, settled.indices, std::move(written.reports), chains.get());
  save(*message);
  pump();
}

}  // namespace postrider::queue
