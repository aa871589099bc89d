// SPDX-License-Identifier: MIT
#include "conversation.hpp"

#include <algorithm>
#include <array>

#include <postrider/path.hpp>

namespace postrider::protocol_log {

void Conversation::note(const ProtocolEvent& event) {
  const bool from_us = event.kind == EventKind::line_out || event.kind == EventKind::data_out;
  const bool is_line = event.kind == EventKind::line_in || event.kind == EventKind::line_out;
  const bool is_data = event.kind == EventKind::data_in || event.kind == EventKind::data_out;
  if (is_line || is_data)
    (from_us ? octets_out_ : octets_in_) += is_line ? event.text.size() + 2 : event.octets;
  if (event.kind == EventKind::accepted) ++messages_;
  // The banner: ours when the event says so, theirs with the first line that comes in.
  const bool their_banner = event.side == Side::client && event.kind == EventKind::line_in;
  if ((event.kind == EventKind::banner || their_banner) && !banner_) {
    banner_ = event.elapsed;
    phase_ = "after the banner";
  }
  if (is_line && from_us == (event.side == Side::client) && !event.secret) note_command(event.text);
  if (is_data) phase_ = "message data";
}

void Conversation::note_command(std::string_view line) {
  static constexpr std::array<std::string_view, 13> kVerbs{
      "HELO", "EHLO", "LHLO", "MAIL", "RCPT",     "DATA", "BDAT",
      "RSET", "QUIT", "NOOP", "AUTH", "STARTTLS", "VRFY"};
  const std::string_view verb = line.substr(0, line.find(' '));
  const auto is_verb = [verb](std::string_view known) { return equal_ignoring_case(verb, known); };
  const auto* const known = std::ranges::find_if(kVerbs, is_verb);
  if (known != kVerbs.end()) phase_ = "after " + std::string(*known);
}

std::string_view Conversation::likely_cause(const ProtocolEvent& closed) const {
  if (banner_) return {};
  if (closed.side == Side::server) return "the client left before our banner";
  if (closed.elapsed >= 20s)
    return "the remote stayed silent: it may be busy, or its lookup of our address is slow";
  return "the remote closed without a greeting: it may refuse our address (no matching PTR, a "
         "block "
         "list, too many connections)";
}

std::string Conversation::verdict(const ProtocolEvent& closed) const {
  std::string text(closed.text);
  text += text.empty() ? "phase=\"" : "; phase=\"";
  text += phase_ + "\" in=" + std::to_string(octets_in_) + " out=" + std::to_string(octets_out_) +
          " messages=" + std::to_string(messages_);
  text += banner_ ? " banner=" + std::to_string(banner_->count()) + "ms" : " banner=none";
  if (const std::string_view cause = likely_cause(closed); !cause.empty())
    text.append("; likely: ").append(cause);
  return text;
}

}  // namespace postrider::protocol_log
