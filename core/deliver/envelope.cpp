// SPDX-License-Identifier: MIT
#include "deliver/envelope.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace postrider::deliver {
namespace {

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f'; });
}

/// Why this host cannot take the message at all, if so.
std::optional<Outcome> unfit(const queue::MessageRecord& message, const Remote& remote,
                             const smtp::Capabilities& can) {
  if (can.size && can.max_size != 0 && message.size() > can.max_size)
    return unsuitable(remote, {5, 3, 4},
                      fmt::format("takes messages of at most {} octets; this one has {}",
                                  can.max_size, message.size()));
  if (message.facts().eight_bit && !can.eight_bit_mime)
    return unsuitable(remote, {5, 6, 3},
                      "takes no 8-bit messages (8BITMIME), and Postrider does not convert them");
  if (message.facts().utf8_header && !can.smtputf8)
    return unsuitable(remote, {5, 6, 9}, "takes no messages with UTF-8 in the header (SMTPUTF8)");
  if (!message.reverse_path().is_ascii() && !can.smtputf8)
    return unsuitable(remote, {5, 6, 7}, "takes no sender address with UTF-8 (SMTPUTF8)");
  return std::nullopt;
}

void add_mail(std::string& out, const queue::MessageRecord& message, bool utf8,
              const smtp::Capabilities& can) {
  out.append("MAIL FROM:").append(message.reverse_path().bracketed());
  if (can.size) fmt::format_to(std::back_inserter(out), " SIZE={}", message.size());
  if (can.eight_bit_mime && message.facts().eight_bit) out += " BODY=8BITMIME";
  if (can.smtputf8 && utf8) out += " SMTPUTF8";
  const MailParameters& said = message.parameters();
  if (can.dsn && said.ret != Return::unsaid)
    out += said.ret == Return::full ? " RET=FULL" : " RET=HDRS";
  if (can.dsn && !said.envid.empty() && is_ascii(said.envid))
    out.append(" ENVID=").append(said.envid);
  out += "\r\n";
}

void add_notify(std::string& out, std::uint8_t when) {
  if (when == notify::kUnsaid) return;
  if ((when & notify::kNever) != 0) {
    out += " NOTIFY=NEVER";
    return;
  }
  out += " NOTIFY=";
  const auto start = out.size();
  const auto add = [&](std::uint8_t bit, std::string_view word) {
    if ((when & bit) == 0) return;
    if (out.size() > start) out += ',';
    out += word;
  };
  add(notify::kSuccess, "SUCCESS");
  add(notify::kFailure, "FAILURE");
  add(notify::kDelay, "DELAY");
}

void add_rcpt(std::string& out, const Recipient& recipient, const smtp::Capabilities& can) {
  out.append("RCPT TO:").append(recipient.path.bracketed());
  if (can.dsn) {
    add_notify(out, recipient.parameters.notify);
    const std::string& orcpt = recipient.parameters.orcpt;
    if (!orcpt.empty() && is_ascii(orcpt)) out.append(" ORCPT=").append(orcpt);
  }
  out += "\r\n";
}

}  // namespace

Consignment::Consignment(queue::Delivery d)
    : delivery(std::move(d)), outcomes(delivery.indices.size()) {}

bool Consignment::is_settled() const noexcept {
  return std::ranges::all_of(outcomes, [](const auto& o) { return o.has_value(); });
}

const Recipient& Consignment::recipient(std::size_t place) const {
  return delivery.message->recipients()[delivery.indices[place]];
}

Outcome Consignment::unreadable(const store::Error& error) {
  if (error.code == store::Errc::corrupt) damage = error.detail;
  return local_trouble(Phase::body, {4, 3, 0},
                       "the queue could not read the message: " + error.detail);
}

void Consignment::settle(const Outcome& outcome) {
  for (auto& known : outcomes)
    if (!known) known = outcome;
}

std::string_view Envelope::next_command() const {
  const std::string_view left = std::string_view(commands).substr(sent);
  return left.substr(0, left.find('\n') + 1);
}

std::optional<Envelope> make_envelope(Consignment& consignment, const Remote& remote,
                                      const smtp::Capabilities& can, std::size_t limit,
                                      bool reset_first) {
  const queue::MessageRecord& message = consignment.message();
  if (const auto why = unfit(message, remote, can)) {
    consignment.settle(*why);
    return std::nullopt;
  }
  Envelope envelope;
  envelope.consignment = &consignment;
  bool utf8 = message.facts().utf8_header || !message.reverse_path().is_ascii();
  for (std::size_t place = 0; place < consignment.outcomes.size(); ++place) {
    if (consignment.outcomes[place] || envelope.places.size() == limit) continue;
    const bool ascii = consignment.recipient(place).path.is_ascii();
    if (!ascii && !can.smtputf8) {
      consignment.outcomes[place] =
          unsuitable(remote, {5, 6, 7}, "takes no recipient address with UTF-8 (SMTPUTF8)");
      continue;
    }
    utf8 = utf8 || !ascii;
    envelope.places.push_back(place);
  }
  if (envelope.places.empty()) return std::nullopt;
  envelope.resets = reset_first;
  if (reset_first) envelope.commands += "RSET\r\n";
  add_mail(envelope.commands, message, utf8, can);
  for (const std::size_t place : envelope.places)
    add_rcpt(envelope.commands, consignment.recipient(place), can);
  envelope.commands += "DATA\r\n";
  return envelope;
}

}  // namespace postrider::deliver
