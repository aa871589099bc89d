// SPDX-License-Identifier: MIT
// What follows from outcomes, on the loop that owns the message: hooks write reports, and one
// commit makes the new state and the reports durable. Until it is, the store still holds the older
// state: a crash can repeat a delivery, never lose one.
#include <algorithm>

#include "queue/envelope_codec.hpp"
#include "queue/loop_queue.hpp"

namespace postrider::queue {
namespace {

/// In one turn of the loop, of those that are to be saved again.
constexpr std::size_t kSavedAtOnce = 100;

BodyFacts facts_of(std::string_view octets) {
  const auto eight = [](char c) { return (static_cast<unsigned char>(c) & 0x80U) != 0; };
  BodyFacts facts;
  facts.eight_bit = std::ranges::any_of(octets, eight);
  facts.leading_dot = octets.starts_with('.') || octets.contains("\n.");
  facts.utf8_header =
      facts.eight_bit && std::ranges::any_of(octets.substr(0, octets.find("\r\n\r\n")), eight);
  return facts;
}

store::Result<store::BodyPtr> make_body(store::Store& store, store::MessageId id,
                                        std::string octets) {
  if (octets.size() < store.large_body_size()) return store::make_memory_body(std::move(octets));
  auto writer = store.new_body(id);
  if (!writer) return std::unexpected(writer.error());
  if (auto written = (*writer)->append(octets); !written) return std::unexpected(written.error());
  return (*writer)->finish();
}

}  // namespace

void LoopQueue::hear(Settled settled) {
  if (!settled.late) ++settled.record->groups()[settled.group].heard;
  settle(std::move(settled));
}

void LoopQueue::settle(Settled settled) {
  OwnedMessage* message = owned_.find(settled.record->id());
  if (!message || message->recipients.empty()) return;  // removed by the operator
  auto use = std::make_unique<RecordUse>(settled.record);
  if (!*use && use->error().code == store::Errc::io)
    return settle_later(std::move(settled), use->error());
  if (!*use) return hold_unread(*message, settled, use->error());
  for (const std::uint32_t index : settled.indices) {
    RecipientStatus& status = message->recipients[index];
    status.attempts = std::max(status.attempts, settled.attempts);
  }
  if (!settled.damage.empty()) hold_damaged(*message, settled.damage);
  if (settled.expired) end(*message, settled);
  if (settled.indices.empty()) return;
  const plugin::ChainsPtr chains = this->chains();
  for (std::size_t i = 0; i < settled.indices.size(); ++i)
    message->recipients[settled.indices[i]].begin_settling(settled.outcomes[i].action !=
                                                           Action::delayed);
  if (!chains || !chains->has_outcome_hooks()) return apply(*message, settled, {}, chains.get());
  std::vector<RecipientOutcome> outcomes = outcomes_of(*message, settled);
  tasks_.spawn(report(std::move(settled), std::move(outcomes), chains, std::move(use)));
}

/// A disk may come to itself: nobody is held or told anything for it.
void LoopQueue::open_later(RecipientGroup& group, const store::Error& error) {
  log_.write(LogLevel::warning, "a message cannot be read now; it is tried later",
             {{"queue_id", id_text(group.keep->id())}, {"reason", error.detail}});
  const TimePoint now = runtime_.now();
  scheduler_.finish(group, HostResult::untried, now);
  scheduler_.delay(group, now + retry_.delay_after(1), false, now);
}

/// A disk may come to itself; until then the store holds the older state.
void LoopQueue::settle_later(Settled settled, const store::Error& error) {
  if (!std::exchange(read_trouble_, true))
    log_.write(LogLevel::error, "a message cannot be read, what became of it is told later",
               {{"queue_id", id_text(settled.record->id())}, {"reason", error.detail}});
  unread_.push_back(std::move(settled));
  if (!settle_again_at_) settle_again_at_ = runtime_.now() + options_.save_retry;
}

std::string LoopQueue::reason_of(const Outcome& outcome) {
  std::string text =
      outcome.text.empty() && outcome.reply.code != 0 ? outcome.reply.line() : outcome.text;
  if (text.empty()) text = "no reason was given";
  return printable(text);
}

/// Without its envelope nobody can be told how it ended: the operator decides.
void LoopQueue::hold_unread(OwnedMessage& message, const Settled& settled,
                            const store::Error& error) {
  std::vector<std::uint32_t> indices = settled.indices;
  std::ranges::copy(take_kept_back(message), std::back_inserter(indices));
  std::ranges::sort(indices);
  hold_for_operator(message, indices, "the envelope cannot be read: " + error.detail);
  save(message);
}

/// The whole message waits for the operator, its other destinations too.
void LoopQueue::hold_damaged(OwnedMessage& message, const std::string& damage) {
  (void)take_kept_back(message);  // they wait, as all others do
  std::vector<std::uint32_t> waiting;
  for (std::uint32_t i = 0; i < message.recipients.size(); ++i) {
    const RecipientState state = message.recipients[i].state;
    if (state == RecipientState::queued || state == RecipientState::delayed) waiting.push_back(i);
  }
  hold_for_operator(message, waiting, "damaged: " + damage);
}

void LoopQueue::hold_for_operator(OwnedMessage& message, const std::vector<std::uint32_t>& indices,
                                  const std::string& reason) {
  log_.write(LogLevel::error, "a message is held",
             {{"queue_id", id_text(message.record->id())}, {"reason", reason}});
  for (const std::uint32_t index : indices) {
    RecipientStatus& status = message.recipients[index];
    if (status.gone) continue;
    status.give_reason(reason);
    owned_.set_state(status, RecipientState::held, false);
  }
  withdraw_everywhere(message, indices);
}

std::vector<RecipientOutcome> LoopQueue::outcomes_of(const OwnedMessage& message,
                                                     const Settled& settled) const {
  std::vector<RecipientOutcome> outcomes;
  outcomes.reserve(settled.indices.size());
  for (std::size_t i = 0; i < settled.indices.size(); ++i) {
    const RecipientStatus& status = message.recipients[settled.indices[i]];
    outcomes.push_back(
        {.recipient = settled.record->recipients()[settled.indices[i]],
         .outcome = settled.outcomes[i],
         .attempts = status.attempts,
         .attempted = !std::ranges::binary_search(settled.waited, settled.indices[i]),
         .delay_reported = status.delay_reported || status.delay_asked,
         .give_up_at = give_up_of(*settled.record, group_of(message, settled.indices[i]),
                                  scheduler_.rules().get())});
  }
  return outcomes;
}

Task<void> LoopQueue::report(Settled settled, std::vector<RecipientOutcome> outcomes,
                             plugin::ChainsPtr chains, std::unique_ptr<RecordUse> /*use*/) {
  plugin::Reports written = co_await chains->report(*settled.record, outcomes);
  if (OwnedMessage* message = owned_.find(settled.record->id())) {
    apply(*message, settled, std::move(written), chains.get());
    pump();
  }
}

void LoopQueue::apply(OwnedMessage& message, const Settled& settled, plugin::Reports written,
                      plugin::Chains* chains) {
  if (!is_any_left(message, settled.indices)) written.reports.clear();  // removed meanwhile
  // A reporter that failed leaves the failed recipients to the operator: visible, never lost.
  const bool reported = chains && chains->reports_failures() && written.is_complete;
  for (std::size_t i = 0; i < settled.indices.size(); ++i)
    apply_one(message, settled.indices[i], settled.outcomes[i], settled, reported);
  if (reported && written.reports.empty()) warn_of_silence(message, settled);
  add_reports(message, settled.indices, std::move(written.reports), chains);
  if (settled.late) withdraw_everywhere(message, settled.indices);
  save(message);
}

bool LoopQueue::is_any_left(const OwnedMessage& message,
                            const std::vector<std::uint32_t>& indices) {
  return !std::ranges::all_of(indices, [&](std::uint32_t i) { return message.recipients[i].gone; });
}

/// A report, or another message from the null path, failed and nobody is told.
void LoopQueue::warn_of_silence(const OwnedMessage& message, const Settled& settled) {
  if (!message.record->reverse_path().is_null()) return;
  for (std::size_t i = 0; i < settled.indices.size(); ++i) {
    const std::uint32_t index = settled.indices[i];
    if (settled.outcomes[i].action != Action::failed) continue;
    log_.write(LogLevel::warning, "a report failed itself and is dropped",
               {{"queue_id", message.record->queue_id()},
                {"recipient", message.record->recipients()[index].path.text()},
                {"reason", message.recipients[index].last().reason}});
  }
}

void LoopQueue::add_reports(OwnedMessage& message, const std::vector<std::uint32_t>& indices,
                            std::vector<Report> reports, plugin::Chains* chains) {
  for (Report& report : reports) {
    for (const std::size_t place : report.delays_told)
      if (place < indices.size()) message.recipients[indices[place]].delay_reported = true;
    if (auto prepared = prepare_report(std::move(report), chains))
      message.own_rest().reports.push_back(std::move(*prepared));
  }
}

void LoopQueue::apply_one(OwnedMessage& message, std::uint32_t index, const Outcome& outcome,
                          const Settled& settled, bool reported) {
  RecipientStatus& status = message.recipients[index];
  status.end_settling();
  const bool is_old = outcome.action == Action::delayed && (settled.attempts < status.attempts ||
                                                            status.state == RecipientState::failed);
  if (status.gone || is_old) return;
  const bool damaged = outcome.action == Action::delayed && !settled.damage.empty();
  LastWord word{outcome.status, damaged ? "damaged: " + settled.damage : reason_of(outcome),
                printable(outcome.remote), outcome.reply};
  log_outcome(message, index, word, outcome.action);
  const bool stays = outcome.action == Action::delayed || outcome.action == Action::failed;
  if (stays) status.word = words_.share(std::move(word));
  switch (outcome.action) {
    case Action::delayed:
      status.next_attempt = settled.next_attempt;
      // Held meanwhile: it stays with the operator.
      if (status.state != RecipientState::held)
        owned_.set_state(status, RecipientState::delayed, false);
      return;
    case Action::failed:
      ++failed_total_;
      owned_.set_state(status, RecipientState::failed, reported);
      return;
    case Action::delivered:
    case Action::relayed:
    case Action::expanded:
      ++delivered_total_;
      owned_.set_state(status, RecipientState::delivered, true);
      return;
  }
}

/// The calendar may have gone back since it arrived.
std::string LoopQueue::age_of(const OwnedMessage& message) const {
  const Duration age = runtime_.wall_now() - message.record->arrived();
  return std::to_string(std::max(age, Duration()).count()) + "ms";
}

void LoopQueue::log_outcome(const OwnedMessage& message, std::uint32_t index, const LastWord& word,
                            Action action) {
  if (!log_.is_on(LogLevel::info)) return;
  const std::string delay = age_of(message);
  const std::string code = word.status.text();
  log_.write(LogLevel::info, "outcome",
             {{"queue_id", message.record->queue_id()},
              {"recipient", message.record->recipients()[index].path.text()},
              {"action", action_name(action)},
              {"status", code},
              {"reason", word.reason},
              {"remote", word.remote},
              {"delay", delay}});
}

std::optional<NewMessage> LoopQueue::prepare_report(Report report, plugin::Chains* chains) {
  // RFC 5321 section 6.1: nothing is ever reported to the null path.
  if (report.to.is_null()) {
    log_.write(LogLevel::error, "a report to the null path is dropped");
    return std::nullopt;
  }
  Submission submission;
  submission.id = store_.new_id();
  submission.facts = facts_of(report.octets);
  submission.parameters.smtputf8 = report.smtputf8;
  if (submission.facts.eight_bit) submission.parameters.body = postrider::Body::eight_bit;
  submission.recipients.push_back({std::move(report.to), {}});
  submission.session = "report";
  auto body = make_body(store_, submission.id, report.octets);
  // A failure of the disk shows again, and is retried, when the report is committed.
  submission.body = body ? std::move(*body) : store::make_memory_body(std::move(report.octets));
  return prepare(std::move(submission), chains);
}

void LoopQueue::save(OwnedMessage& message) {
  message.dirty = true;
  if (message.saving) return;
  message.saving = true;
  message.dirty = false;
  message.removing = message.is_done();
  store::Transaction transaction;
  auto durability = store::Durability::lazy;
  if (message.rest && !message.rest->reports.empty()) {
    message.rest->departing = std::exchange(message.rest->reports, {});
    for (const NewMessage& report : message.rest->departing)
      transaction.add.push_back(to_add(report));
    durability = store::Durability::sync;
  }
  const store::MessageId id = message.record->id();
  if (!message.vanished && message.removing) transaction.remove.push_back({id});
  if (!message.vanished && !message.removing)
    transaction.update.push_back({id, encode(message.state())});
  commit(std::move(transaction), durability, [id](LoopQueue& queue, store::Result<void> result) {
    queue.saved(id, result);
    queue.pump();
  });
}

void LoopQueue::saved(store::MessageId id, const store::Result<void>& result) {
  OwnedMessage* message = owned_.find(id);
  if (!message) return;
  message->saving = false;
  if (!result) return save_failed(*message, result.error());
  if (std::exchange(save_trouble_, false)) log_.write(LogLevel::info, "states can be saved again");
  if (message->rest)
    for (NewMessage& report : std::exchange(message->rest->departing, {}))
      accepted(std::move(report));
  if (!message->removing && !message->vanished) {
    if (message->dirty) save(*message);
    return;
  }
  if (message->rest && !message->rest->reports.empty()) return save(*message);
  if (log_.is_on(LogLevel::info)) {
    const std::string delay = age_of(*message);
    log_.write(LogLevel::info, "removed", {{"queue_id", id_text(id)}, {"delay", delay}});
  }
  owned_.erase(id);
  peers_->messages().fetch_sub(1, std::memory_order_relaxed);
}

void LoopQueue::save_failed(OwnedMessage& message, const store::Error& error) {
  if (message.rest) {
    OwnedMessage::Rest& rest = *message.rest;
    std::ranges::move(rest.reports, std::back_inserter(rest.departing));
    rest.reports = std::exchange(rest.departing, {});
  }
  message.dirty = true;
  message.vanished = message.vanished || error.code == store::Errc::not_found;
  if (!std::exchange(message.unsaved, true)) unsaved_.push_back(message.record->id());
  // One that fails again ends the round: the disk is asked for the rest later, not for all in vain.
  if (!save_again_at_ || std::exchange(saving_again_, false))
    save_again_at_ = runtime_.now() + options_.save_retry;
  if (!std::exchange(save_trouble_, true))
    log_.write(LogLevel::error, "a state cannot be saved; trying again",
               {{"queue_id", id_text(message.record->id())}, {"reason", error.detail}});
}

void LoopQueue::save_again() {
  if (!save_again_at_ || *save_again_at_ > runtime_.now()) return;
  const bool is_busy = commits_ > kMostCommits;
  for (std::size_t left = is_busy ? 0 : kSavedAtOnce; left > 0 && !unsaved_.empty(); --left) {
    OwnedMessage* message = owned_.find(unsaved_.front());
    unsaved_.pop_front();
    if (!message) continue;
    message->unsaved = false;
    save(*message);
  }
  saving_again_ = !unsaved_.empty();
  save_again_at_.reset();
  if (saving_again_) save_again_at_ = runtime_.now() + (is_busy ? 1ms : 0ms);
}

void LoopQueue::settle_again() {
  if (!settle_again_at_ || *settle_again_at_ > runtime_.now()) return;
  settle_again_at_.reset();
  for (Settled& settled : std::exchange(unread_, {})) settle(std::move(settled));
  read_trouble_ = !unread_.empty();
}

}  // namespace postrider::queue
