// SPDX-License-Identifier: MIT
// One function per verb (RFC 5321 section 4.1.1). The order of commands was checked before.
#include <utility>

#include <fmt/format.h>

#include "receive/data_phase.hpp"
#include "receive/session.hpp"
#include "smtp/capabilities.hpp"
#include "smtp/path.hpp"

namespace postrider::receive {

Task<Reply> ServerSession::dispatch(const smtp::Command& command) {
  using enum smtp::Verb;
  switch (command.verb) {
    case helo:
    case ehlo:
    case lhlo:
      return helo_command(command.verb, command.argument);
    case smtp::Verb::mail:
      return mail_command(command.argument);
    case smtp::Verb::rcpt:
      return rcpt_command(command.argument);
    case smtp::Verb::data:
      return data_command();
    case rset:
      return reset();
    case smtp::Verb::quit:
      return this->quit();
    case vrfy:
      return verify(command.argument);
    case noop:
      return Reply("250 2.0.0 OK");
    case help:
      return Reply("214 2.0.0 Commands: HELO EHLO LHLO MAIL RCPT DATA RSET NOOP VRFY HELP QUIT");
    case expn:
    case starttls:
    case auth:
    case bdat:
    case etrn:
      return Reply("502 5.5.1 Command not implemented");
    default:
      return Reply("500 5.5.2 Unknown command");
  }
}

/// RFC 5321 section 4.1.1.1; RFC 2033 section 4.1 for LHLO. Ends a transaction (section 4.1.4).
Task<Reply> ServerSession::helo_command(smtp::Verb verb, std::string_view argument) {
  const bool lhlo = verb == smtp::Verb::lhlo;
  if (lhlo != listens_lmtp_)
    co_return lhlo ? Reply("500 5.5.1 This is SMTP, not LMTP; say EHLO")
                   : Reply("500 5.5.1 This is LMTP; say LHLO");
  if (argument.empty()) co_return Reply("501 5.5.4 Say who you are: EHLO your.host.name");
  if (argument.size() > 255 || argument.find_first_of(" \t") != argument.npos)
    co_return Reply("501 5.5.4 That is no host name and no address literal");
  std::string former = std::exchange(helo_, std::string(argument));
  const Verdict verdict = co_await services_.chains->helo(*this);
  if (verdict.is_refusal()) {
    helo_ = std::move(former);  // RFC 5321 section 4.1.4: all is as it was
    co_return refusal(verdict, "helo");
  }
  end_transaction();
  protocol_ = lhlo ? Protocol::lmtp : verb == smtp::Verb::ehlo ? Protocol::esmtp : Protocol::smtp;
  state_ = smtp::SessionState::greeted;
  co_return welcome(verb);
}

/// DSN is a promise to report (RFC 3461 section 5.2): made only while a plugin keeps it.
smtp::Offer ServerSession::offered() const {
  smtp::Offer offer{.max_message_size = services_.options->max_message_size};
  offer.dsn = services_.chains->reports_failures();
  return offer;
}

Reply ServerSession::welcome(smtp::Verb verb) {
  std::string text = services_.options->hostname + " greets " + client_.address.literal();
  if (verb != smtp::Verb::helo) {
    for (const std::string& keyword : smtp::offer(offered())) text += "\n" + keyword;
    for (const std::string& keyword : services_.chains->keywords()) text += "\n" + keyword;
  }
  return Reply(250, {}, std::move(text));
}

/// RFC 5321 section 4.1.1.2
Task<Reply> ServerSession::mail_command(std::string_view argument) {
  auto parsed = smtp::parse_mail_argument(argument, protocol() != Protocol::smtp, offered());
  if (!parsed) co_return parsed.error();
  const Options& options = *services_.options;
  if (parsed->parameters.size > options.max_message_size)
    co_return Reply(552, {5, 3, 4},
                    fmt::format("A message may have {} octets", options.max_message_size));
  if (!services_.queue.admits(parsed->parameters.size)) {
    static constexpr ReplyLiteral kFull("452 4.3.1 Insufficient storage, try again later");
    co_return refusal(defer(kFull).because("no room; see postrider status"), "mail");
  }
  auto transaction = std::make_unique<Transaction>();
  transaction->reverse_path_ = std::move(parsed->path);
  transaction->parameters_ = std::move(parsed->parameters);
  const Verdict verdict = co_await services_.chains->mail(*this, *transaction);
  if (verdict.is_refusal()) co_return refusal(verdict, "mail");
  transaction_ = std::move(transaction);
  state_ = smtp::SessionState::mail;
  co_return Reply("250 2.1.0 Sender OK");
}

/// RFC 5321 section 4.1.1.3. Hooks first: they may rewrite, refuse, or permit relaying.
Task<Reply> ServerSession::rcpt_command(std::string_view argument) {
  auto parsed = smtp::parse_rcpt_argument(argument, transaction_->parameters_.smtputf8, offered());
  if (!parsed) co_return parsed.error();
  if (transaction_->recipients_.size() >= services_.options->max_recipients)
    co_return Reply("452 4.5.3 Too many recipients in one transaction");
  Recipient recipient{.path = std::move(parsed->path), .parameters = std::move(parsed->parameters)};
  const Verdict verdict = co_await services_.chains->rcpt(*this, *transaction_, recipient);
  if (verdict.is_refusal()) co_return refusal(verdict, "rcpt");
  co_return add_recipient(std::move(recipient), verdict.action() == Verdict::Action::accept);
}

Reply ServerSession::add_recipient(Recipient recipient, bool permitted) {
  if (!permitted && !may_relay() && !services_.policy->is_served(recipient.path)) {
    static constexpr ReplyLiteral kDenied("554 5.7.1 Relaying to this domain is not permitted");
    return refusal(reject(kDenied).because("not in relay.domains, local.domains, relay.networks"),
                   "rcpt");
  }
  transaction_->recipients_.push_back(std::move(recipient));
  state_ = smtp::SessionState::rcpt;
  return Reply("250 2.1.5 Recipient OK");
}

/// RFC 5321 section 4.1.1.4
Task<Reply> ServerSession::data_command() {
  const Verdict verdict = co_await services_.chains->data(*this, *transaction_);
  if (verdict.is_refusal()) co_return refusal(verdict, "data");
  // RFC 2033 section 4.2: one reply for each recipient that was accepted, whatever hooks add or
  // drop.
  const std::size_t recipients = transaction_->recipients_.size();
  DataPhase phase(*this);
  Reply reply = co_await phase.run();
  end_transaction();
  if (!is_lmtp() || reply.code == 0) co_return reply;
  for (std::size_t i = 0; i < recipients; ++i) answer(reply);
  co_return Reply();
}

Reply ServerSession::reset() {
  end_transaction();
  return Reply("250 2.0.0 OK");
}

Reply ServerSession::quit() {
  closing_ = true;
  closed_by("the client said QUIT");
  said_quit_ = true;
  return Reply("221 2.0.0 Bye");
}

/// RFC 5321 section 3.5.3: an address is not confirmed, mail for it is taken.
Reply ServerSession::verify(std::string_view argument) const {
  if (argument.empty()) return Reply("501 5.5.4 Say whom: VRFY user@domain");
  return Reply("252 2.5.0 Not verified; send mail and see");
}

}  // namespace postrider::receive
