// SPDX-License-Identifier: MIT
// The session's transactions. RFC 2920 section 3.1: MAIL, RCPT and DATA form a group; content may
// be the first thing of the next group; every reply is read and checked.
#include <array>
#include <utility>

#include "deliver/client_session.hpp"

namespace postrider::deliver {
namespace {

/// How long a reply is waited for that may explain why we could not send.
constexpr Duration kLastWords = 5s;

}  // namespace

std::optional<Envelope> ClientSession::prepare(Consignment& consignment) {
  return make_envelope(consignment, remote_, capabilities_, options_.max_recipients, needs_reset_);
}

Task<Heard> ClientSession::ask(Phase phase, Duration limit, Envelope& envelope) {
  if (envelope.sent < envelope.commands.size()) {  // one command at a time
    const std::string_view command = envelope.next_command();
    envelope.sent += command.size();
    if (auto sent = co_await say(phase, command); !sent) co_return std::unexpected(sent.error());
  }
  auto reply = co_await hear(phase, limit);
  if (reply) envelope.answered = true;
  co_return reply;
}

Task<Sent> ClientSession::begin(Envelope& envelope) {
  if (std::exchange(ahead_, nullptr) == &envelope) co_return Sent();
  if (auto silent = expect_silence(Phase::mail); !silent) co_return silent;
  if (!capabilities_.pipelining) co_return Sent();
  envelope.sent = envelope.commands.size();
  co_return co_await say(Phase::mail, envelope.commands);
}

Task<Sent> ClientSession::name_parties(Envelope& envelope, Progress& progress) {
  if (envelope.resets) {
    const auto reset = co_await ask(Phase::mail, limits_.mail, envelope);
    if (!reset) co_return std::unexpected(reset.error());
    envelope.answered = false;  // that was about the former one
  }
  const auto mail = co_await ask(Phase::mail, limits_.mail, envelope);
  if (!mail) co_return std::unexpected(mail.error());
  needs_reset_ = true;
  progress.mail_ok = mail->code / 100 == 2;
  if (!progress.mail_ok) progress.mail_refused = refused(remote_, Phase::mail, *mail);
  if (!progress.mail_ok && !capabilities_.pipelining) co_return Sent();
  for (const std::size_t place : envelope.places) {
    const auto rcpt = co_await ask(Phase::rcpt, limits_.rcpt, envelope);
    if (!rcpt) co_return std::unexpected(rcpt.error());
    if (!progress.mail_ok) continue;
    if (rcpt->code / 100 == 2)
      progress.accepted.push_back(place);
    else
      envelope.consignment->outcomes[place] = refused(remote_, Phase::rcpt, *rcpt);
    envelope.accepted = !progress.accepted.empty();
  }
  co_return Sent();
}

Task<Sent> ClientSession::transact(Envelope& envelope, NextEnvelope next) {
  Progress progress;
  if (auto sent = co_await begin(envelope); !sent) co_return sent;
  auto named = co_await name_parties(envelope, progress);
  if (progress.mail_refused)
    for (const std::size_t place : envelope.places)
      envelope.consignment->outcomes[place] = *progress.mail_refused;
  if (!named) co_return named;
  // Without PIPELINING DATA was not sent yet, and nobody is there to receive it.
  if (progress.accepted.empty() && !capabilities_.pipelining) co_return Sent();
  co_return co_await send_data(envelope, progress, next);
}

Task<Sent> ClientSession::send_data(Envelope& envelope, Progress& progress,
                                    const NextEnvelope& next) {
  const auto data = co_await ask(Phase::data, limits_.data_init, envelope);
  if (!data) co_return std::unexpected(data.error());
  if (auto silent = expect_silence(Phase::data); !silent) co_return silent;
  const bool go_ahead = data->code / 100 == 3;
  if (!go_ahead) {
    const Outcome outcome = refused(remote_, Phase::data, *data);
    for (const std::size_t place : progress.accepted)
      envelope.consignment->outcomes[place] = outcome;
    if (data->is_positive()) co_return fail(outcome);
    co_return Sent();
  }
  needs_reset_ = false;  // the end of data ends the transaction, whatever the answer
  if (progress.accepted.empty()) co_return co_await end_empty();
  auto sent = co_await send_content(envelope, next);
  co_return co_await hear_end(envelope, progress, std::move(sent));
}

Task<Sent> ClientSession::end_empty() {
  // RFC 2920 section 3.1: 354 though no recipient was accepted; send a lone dot, ignore the answer.
  if (auto sent = co_await say(Phase::final_dot, ".\r\n"); !sent) co_return sent;
  const auto reply = co_await hear(Phase::final_dot, limits_.data_end);
  if (!reply) co_return std::unexpected(reply.error());
  co_return expect_silence(Phase::final_dot);
}

Task<Sent> ClientSession::say_parts(Phase phase, std::span<const std::string_view> parts) {
  phase_ = phase;
  const auto result = co_await within(loop_, limits_.data_block, stream_->write(parts));
  if (result && *result) co_return Sent();
  // Not fail(): the peer may have said why before it went.
  const runtime::IoError timeout{runtime::IoFailure::timeout, "timeout"};
  co_return std::unexpected(disconnected(remote_, phase, result ? result->error() : timeout));
}

Task<Sent> ClientSession::send_content(Envelope& envelope, const NextEnvelope& next) {
  Content content(envelope.consignment->message());
  for (;;) {
    const auto piece = content.next();
    if (!piece)  // without the final dot the peer has nothing
      co_return fail(envelope.consignment->unreadable(piece.error()));
    if (content.is_finished()) co_return co_await send_end(content, *piece, next);
    const std::array<std::string_view, 1> parts{*piece};
    if (auto sent = co_await say_parts(Phase::body, parts); !sent) co_return sent;
  }
}

Task<Sent> ClientSession::send_end(Content& content, std::string_view piece,
                                   const NextEnvelope& next) {
  if (capabilities_.pipelining && next) ahead_ = next();
  std::array<std::string_view, 3> parts{piece, content.end(), {}};
  std::size_t count = 2;
  if (ahead_) {
    ahead_->sent = ahead_->commands.size();
    parts[count++] = ahead_->commands;
  }
  auto sent = co_await say_parts(Phase::final_dot, std::span(parts).first(count));
  observe(EventKind::data_out, {}, content.size());
  if (ahead_) observe_lines(ahead_->commands);
  co_return sent;
}

Task<Sent> ClientSession::hear_end(Envelope& envelope, const Progress& progress, Sent sent) {
  auto& outcomes = envelope.consignment->outcomes;
  Heard reply = std::unexpected(sent ? Outcome() : sent.error());
  if (!broken_) {
    // Never longer than a moment if we could not even send: the reply would be the reason only.
    auto heard = co_await hear(Phase::final_dot, sent ? limits_.data_end : kLastWords);
    const bool silent = !heard && heard.error().reply.code == 0;
    if (sent || !silent) reply = std::move(heard);
  }
  if (!reply) {
    for (const std::size_t place : progress.accepted) outcomes[place] = reply.error();
    co_return fail(reply.error());
  }
  ++messages_;
  // Of the last write the dot alone counts: an envelope behind it may have found no room.
  const bool whole = sent || sent.error().phase == Phase::final_dot;
  const bool taken = whole && reply->code / 100 == 2;
  const Outcome outcome =
      taken ? delivered(remote_, *reply) : refused(remote_, Phase::final_dot, *reply);
  for (const std::size_t place : progress.accepted)
    outcomes[place] =
        taken ? taken_for(envelope.consignment->recipient(place), outcome, capabilities_.dsn)
              : outcome;
  if (!sent) {
    auto failed = fail(sent.error());
    if (!taken) co_return failed;
  }
  if (reply->code / 100 == 3) co_return fail(outcome);
  if (!ahead_) (void)expect_silence(Phase::final_dot);  // the message itself is safe
  co_return Sent();
}

}  // namespace postrider::deliver
