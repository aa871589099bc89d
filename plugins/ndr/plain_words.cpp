// SPDX-License-Identifier: MIT
#include "plain_words.hpp"

#include <algorithm>

#include "advice.hpp"
#include "line_text.hpp"

namespace postrider::ndr {
namespace {

constexpr std::string_view kIndent = "    ";
constexpr std::string_view kQuote = "        ";
constexpr std::size_t kReplyLimit = 2000;  // of a remote's words, for each recipient
constexpr std::size_t kSubjectLimit = 200;

/// The remote's own reply, line by line, indented so that no line can be taken for anything else.
std::string quoted_reply(const Reply& reply, bool utf8) {
  std::string words = std::to_string(reply.code) + " ";
  if (reply.status.is_set()) words += reply.status.text() + " ";
  words += std::string_view(reply.text).substr(0, kReplyLimit);
  std::string out;
  std::string_view rest = words;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    out += wrapped(one_line(line, utf8, kReplyLimit), kQuote);
  }
  return out.size() <= 2 * kReplyLimit ? out : out.substr(0, out.rfind('\n', 2 * kReplyLimit) + 1);
}

/// By us, at the end of the time that mail may wait (RFC 3463: X.4.7).
bool is_given_up(const Outcome& outcome) noexcept {
  return outcome.status.subject == 4 && outcome.status.detail == 7;
}

std::string said(const Outcome& outcome, bool utf8) {
  if (outcome.reply.code == 0)
    return outcome.text.empty()
               ? std::string()
               : wrapped("In detail: " + one_line(outcome.text, utf8, kReplyLimit), kIndent);
  std::string who = outcome.remote.empty() ? std::string("The mail system there")
                                           : one_line(outcome.remote, utf8, 400);
  const std::string_view when = is_given_up(outcome) ? " answered last:" : " answered:";
  return wrapped(who.append(when), kIndent) + quoted_reply(outcome.reply, utf8);
}

/// "5 days", "3 hours", "20 minutes".
std::string period(Duration length) {
  if (length >= 48h) return std::to_string(length / 24h) + " days";
  if (length >= 2h) return std::to_string(length / 1h) + " hours";
  return std::to_string(std::max<std::int64_t>(length / 1min, 2)) + " minutes";
}

std::string why(const Situation& situation, const RecipientOutcome& told) {
  if (!is_given_up(told.outcome)) return std::string(advice_for(told.outcome.status).reason);
  const std::string length = period(situation.now - situation.message->arrived());
  if (told.attempts == 0) return "The message waited for " + length + " and could not be tried.";
  return "Delivery was tried for " + length + " without success.";
}

/// By our operator (core/queue/loop_queue_returns.cpp), for which RFC 3463 has no status.
bool is_returned(const Outcome& outcome) noexcept {
  return outcome.text.starts_with("returned by the operator");
}

/// The operator's words, and what a remote had said before.
std::string returned_words(const Situation& situation, const Outcome& outcome, bool utf8) {
  const bool quotes = outcome.reply.code != 0;
  const std::string words =
      quotes ? outcome.text.substr(0, outcome.text.find("; before: ")) : outcome.text;
  return wrapped(
             "The operator of this mail system ended the delivery. (" + outcome.status.text() + ")",
             kIndent) +
         wrapped("In detail: " + one_line(words, utf8, kReplyLimit), kIndent) +
         (quotes ? said(outcome, utf8) : "") +
         wrapped("What you can do: Write to postmaster@" + situation.hostname +
                     " if you need to know more.",
                 kIndent);
}

std::string failed_words(const Situation& situation, const RecipientOutcome& told, bool utf8) {
  const Outcome& outcome = told.outcome;
  if (is_returned(outcome)) return returned_words(situation, outcome, utf8);
  const Advice advice = advice_for(outcome.status);
  const std::string reason = why(situation, told) + " (" + outcome.status.text() + ")";
  return wrapped(reason, kIndent) + said(outcome, utf8) +
         wrapped("What you can do: " + std::string(advice.remedy), kIndent);
}

std::string delayed_words(const Situation& situation, const RecipientOutcome& told) {
  const Advice advice = advice_for(told.outcome.status);
  std::string next = "What you can do: nothing is needed. Delivery is tried again until " +
                     date_text(told.give_up_at) + ".";
  const std::uint8_t when = told.recipient.parameters.notify;
  if (when == notify::kUnsaid || (when & notify::kFailure) != 0)
    next += " If it fails for good, another report will tell you.";
  return wrapped("Not delivered yet. " + std::string(advice.reason) + " (" +
                     told.outcome.status.text() + ")",
                 kIndent) +
         said(told.outcome, situation.global) + wrapped(next, kIndent);
}

std::string relayed_words(const Outcome& outcome, bool utf8) {
  const std::string who = outcome.remote.empty() ? std::string("another mail system")
                                                 : one_line(outcome.remote, utf8, 400);
  return wrapped("Passed on to " + who + ", which sends no reports of success. You will hear " +
                     "no more of this message unless it fails there.",
                 kIndent);
}

std::string recipient_words(const Situation& situation, const Told& told) {
  const bool utf8 = situation.global;
  const Outcome& outcome = told.what.outcome;
  std::string out = "<" + one_line(told.what.recipient.path.text(), utf8, 512) + ">\r\n";
  switch (outcome.action) {
    case Action::failed:
      return out + failed_words(situation, told.what, utf8) + "\r\n";
    case Action::delayed:
      return out + delayed_words(situation, told.what) + "\r\n";
    case Action::relayed:
      return out + relayed_words(outcome, utf8) + "\r\n";
    case Action::expanded:
      return out + wrapped("Delivered to a list, which passes it on.", kIndent) + "\r\n";
    case Action::delivered:
      break;
  }
  return out + wrapped("Delivered into the mailbox.", kIndent) + "\r\n";
}

/// What helps the reader to find the message again.
std::string which_message(const Situation& situation, const Original& original) {
  std::string out;
  if (const auto text = field_of(original.header(), "Subject"); text && !text->empty())
    out += wrapped("Subject: " + one_line(*text, situation.global, kSubjectLimit), kIndent);
  out += wrapped("Accepted: " + date_text(situation.message->arrived()), kIndent);
  return out + "\r\n";
}

std::string closing(const Situation& situation) {
  return wrapped("This report was written by the mail system at " + situation.hostname +
                     ", where the message has the queue id " + situation.message->queue_id() +
                     ". Please keep all of it if you ask anybody for help.",
                 "");
}

}  // namespace

std::string_view opening(Action action) noexcept {
  switch (action) {
    case Action::failed:
      return "Your message did not reach some or all of the intended recipients.";
    case Action::delayed:
      return "Your message has not been delivered yet. You need not send it again.";
    case Action::relayed:
      return "Your message was passed on to a mail system that sends no such reports.";
    case Action::expanded:
    case Action::delivered:
      break;
  }
  return "Your message has been delivered.";
}

std::string_view subject(Action action) noexcept {
  switch (action) {
    case Action::failed:
      return "Undelivered: your message did not reach some or all recipients";
    case Action::delayed:
      return "Delayed: your message has not been delivered yet";
    case Action::relayed:
      return "Relayed: your message was passed on";
    case Action::expanded:
    case Action::delivered:
      break;
  }
  return "Delivered: your message has been delivered";
}

std::string plain_words(const Situation& situation, const Original& original) {
  std::string out(opening(situation.gravest()));
  out += "\r\n\r\n";
  if (situation.message->reverse_path().is_null())
    out += wrapped(
               "The message has the null reverse-path: it is itself a report, or another "
               "automatic message. Its sender cannot be told, so you are, as the postmaster.",
               "") +
           "\r\n";
  out += which_message(situation, original);
  for (const Told& told : situation.recipients) out += recipient_words(situation, told);
  return out + closing(situation);
}

}  // namespace postrider::ndr
