// SPDX-License-Identifier: MIT
#include "deliver/outcome.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace postrider::deliver {
namespace {

constexpr int kTooManyRecipients = 552;

std::string_view object_of(Phase phase) noexcept {
  switch (phase) {
    case Phase::greeting:
      return "the connection";
    case Phase::helo:
      return "our EHLO";
    case Phase::mail:
      return "the sender";
    case Phase::rcpt:
      return "the recipient";
    default:
      return "the message";
  }
}

/// What a code says when the next hop gave no enhanced status. The class is put in afterwards.
EnhancedStatus guess(Phase phase, int code) noexcept {
  const bool rcpt = phase == Phase::rcpt;
  switch (code) {
    case 421:
      return {4, 3, 2};
    case 450:
      return {4, 2, 0};
    case 451:
      return {4, 3, 0};
    case 452:
      return rcpt ? EnhancedStatus{4, 5, 3} : EnhancedStatus{4, 3, 1};
    case 500:
      return {5, 5, 2};
    case 501:
    case 504:
    case 555:
      return {5, 5, 4};
    case 502:
    case 503:
      return {5, 5, 1};
    case 530:
      return {5, 7, 0};
    case 551:
      return {5, 1, 6};
    case 552:
      return rcpt ? EnhancedStatus{4, 5, 3} : EnhancedStatus{5, 3, 4};
    case 553:
      return {5, 1, 3};
    case 556:
      return {5, 1, 10};
    default:
      break;
  }
  if (phase == Phase::greeting || phase == Phase::helo) return {5, 3, 2};
  if (phase == Phase::mail) return {5, 1, 8};
  if (rcpt) return {5, 1, 1};
  return {5, 6, 0};
}

EnhancedStatus status_of(Phase phase, const Reply& reply, bool permanent) noexcept {
  EnhancedStatus status = reply.status.is_set() ? reply.status : guess(phase, reply.code);
  status.klass = permanent ? 5 : 4;
  return status;
}

EnhancedStatus status_of(Phase phase, runtime::IoFailure failure) noexcept {
  if (failure == runtime::IoFailure::exhausted) return {4, 3, 0};
  return phase == Phase::connect ? EnhancedStatus{4, 4, 1} : EnhancedStatus{4, 4, 2};
}

}  // namespace

std::string Remote::text() const {
  const std::string place = address.port == 25 ? "" : fmt::format(":{}", address.port);
  const std::string literal = "[" + address.address.text() + "]" + place;
  if (host.starts_with('[') || host == address.address.text()) return literal;
  return fmt::format("{} {}", printable(host, 255), literal);
}

Outcome delivered(const Remote& remote, const Reply& reply) {
  Outcome outcome;
  outcome.action = Action::delivered;
  outcome.status = reply.status.klass == 2 ? reply.status : EnhancedStatus{2, 0, 0};
  outcome.phase = Phase::final_dot;
  outcome.remote = remote.text();
  outcome.text =
      fmt::format("{} took the message: {}", outcome.remote, printable(reply.line(), 512));
  outcome.reply = reply;
  return outcome;
}

Outcome taken_for(const Recipient& recipient, Outcome delivered, bool has_dsn) {
  delivered.passed_on = has_dsn;
  const bool asked = (recipient.parameters.notify & notify::kSuccess) != 0;
  if (asked && !has_dsn) delivered.action = Action::relayed;
  return delivered;
}

Outcome refused(const Remote& remote, Phase phase, const Reply& reply) {
  if (reply.is_positive()) {
    Outcome outcome = nonsense(remote, phase, reply.line());
    outcome.reply = reply;
    return outcome;
  }
  const bool crowded = phase == Phase::rcpt && reply.code == kTooManyRecipients;
  const bool permanent = reply.is_permanent() && !crowded;
  Outcome outcome;
  outcome.action = permanent ? Action::failed : Action::delayed;
  outcome.status = status_of(phase, reply, permanent);
  outcome.phase = phase;
  outcome.remote = remote.text();
  outcome.text = fmt::format("{} {} {}: {}", outcome.remote, permanent ? "refused" : "put off",
                             object_of(phase), printable(reply.line(), 512));
  outcome.reply = reply;
  return outcome;
}

Outcome disconnected(const Remote& remote, Phase phase, const runtime::IoError& error) {
  using runtime::IoFailure;
  std::string what;
  if (phase == Phase::connect)
    what = fmt::format("could not connect: {}", error.text);
  else if (error.failure == IoFailure::timeout)
    what = fmt::format("no answer in time, phase {}", phase_name(phase));
  else if (error.failure == IoFailure::closed)
    what = fmt::format("closed the connection, phase {}", phase_name(phase));
  else
    what = fmt::format("the connection broke, phase {}: {}", phase_name(phase), error.text);
  if (phase == Phase::final_dot) what += "; it may have the message";
  Outcome outcome;
  outcome.status = status_of(phase, error.failure);
  outcome.phase = phase;
  outcome.remote = remote.text();
  outcome.text = printable(fmt::format("{}: {}", outcome.remote, what), 1024);
  return outcome;
}

Outcome nonsense(const Remote& remote, Phase phase, std::string_view what) {
  Outcome outcome;
  outcome.status = {4, 5, 0};
  outcome.phase = phase;
  outcome.remote = remote.text();
  outcome.text = fmt::format("{} answered against the protocol, phase {}: {}", outcome.remote,
                             phase_name(phase), printable(what, 512));
  return outcome;
}

Outcome unsuitable(const Remote& remote, EnhancedStatus status, std::string_view what) {
  Outcome outcome;
  outcome.action = Action::failed;
  outcome.status = status;
  outcome.phase = Phase::mail;
  outcome.text = fmt::format("{} {}", remote.text(), what);
  return outcome;
}

Outcome local_trouble(Phase phase, EnhancedStatus status, std::string_view what) {
  Outcome outcome;
  outcome.status = status;
  outcome.phase = phase;
  outcome.text = printable(what, 1024);
  return outcome;
}

Outcome unroutable(const Reply& reason) {
  Outcome outcome;
  const bool permanent = reason.is_permanent();
  outcome.action = permanent ? Action::failed : Action::delayed;
  outcome.status = reason.status.is_set() ? reason.status : EnhancedStatus{4, 4, 0};
  outcome.status.klass = permanent ? 5 : 4;
  outcome.phase = Phase::route;
  outcome.text = printable(reason.text.empty() ? "no route" : reason.text, 1024);
  std::ranges::replace(outcome.text, '\n', ' ');
  return outcome;
}

}  // namespace postrider::deliver
