// SPDX-License-Identifier: MIT
#include "conversation.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include <postrider/path.hpp>

namespace postrider::protocol_log {
namespace {

constexpr Duration kSlowRemote = 1s;  // to greet us; `postrider probe` calls it slow, too

/// A reply with 4yz or 5yz.
bool is_refusal(std::string_view reply) {
  return reply.size() >= 3 && (reply[0] == '4' || reply[0] == '5') && reply[1] >= '0' &&
         reply[1] <= '9' && reply[2] >= '0' && reply[2] <= '9';
}

bool is_line(EventKind kind) {
  return kind == EventKind::line_in || kind == EventKind::line_out;
}
bool is_data(EventKind kind) {
  return kind == EventKind::data_in || kind == EventKind::data_out;
}

}  // namespace

Conversation::Conversation(const ProtocolEvent& first, WallTime when, std::size_t room)
    : id(first.id),
      began(when),
      local(first.local),
      remote(first.remote),
      subject{.side = first.side,
              .remote = first.remote.address,
              .hosts = {},
              .senders = {},
              .recipients = {}},
      transcript(room) {}

bool Conversation::note(const ProtocolEvent& event) {
  const bool from_us = event.kind == EventKind::line_out || event.kind == EventKind::data_out;
  if (is_line(event.kind)) (from_us ? octets_out_ : octets_in_) += event.text.size() + 2;
  if (is_data(event.kind)) {
    (from_us ? octets_out_ : octets_in_) += event.octets;
    phase_ = "message data";
  }
  const bool is_delivered = event.kind == EventKind::outcome && !event.failed;
  if (event.kind == EventKind::accepted || is_delivered) ++messages_;
  // The banner: ours when the event says so, theirs with the first line that comes in.
  const bool their_banner = event.side == Side::client && event.kind == EventKind::line_in;
  if ((event.kind == EventKind::banner || their_banner) && !banner_) {
    banner_ = event.elapsed;
    if (event.kind == EventKind::banner) why_slow_ = event.text;
    phase_ = "after the banner";
  }
  const bool is_command = is_line(event.kind) && from_us == (event.side == Side::client);
  if (is_command && !event.secret) note_command(event.text);
  if (is_line(event.kind) && !is_command && is_refusal(event.text)) note_failure(event.text);
  if (event.failed) note_failure(event.text.empty() ? "it was cut off" : event.text);
  return subject.learn(event);
}

void Conversation::note_failure(std::string_view what) {
  if (failure_.empty()) failure_ = printable(what, 300);
}

void Conversation::note_command(std::string_view line) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kVerbs{{
      {"RCPT", "after RCPT"},
      {"MAIL", "after MAIL"},
      {"DATA", "after DATA"},
      {"EHLO", "after EHLO"},
      {"HELO", "after HELO"},
      {"QUIT", "after QUIT"},
      {"RSET", "after RSET"},
      {"LHLO", "after LHLO"},
      {"BDAT", "after BDAT"},
      {"AUTH", "after AUTH"},
      {"NOOP", "after NOOP"},
      {"STARTTLS", "after STARTTLS"},
  }};
  const std::string_view verb = line.substr(0, line.find(' '));
  const auto* const known = std::ranges::find_if(
      kVerbs, [verb](const auto& one) { return equal_ignoring_case(verb, one.first); });
  if (known != kVerbs.end()) phase_ = known->second;
}

std::string Conversation::likely_cause(const ProtocolEvent& closed,
                                       std::string_view own_name) const {
  if (banner_) return {};
  if (closed.side == Side::server)
    return closed.elapsed >= 5s ? "the client lost patience before our banner: a connect hook was "
                                  "slow (postrider plugins)"
                                : "the client left before our banner: a port scan, or a health "
                                  "check";
  std::string cause =
      closed.elapsed >= 20s
          ? "the remote stayed silent: it may be busy, or its lookup of our address is slow"
          : "the remote closed without a greeting: it may refuse our address (no matching PTR, a "
            "block list, too many connections)";
  if (!own_name.empty()) cause.append("; ").append(own_name);
  return cause;
}

/// Q286375: a banner that comes late is why clients go away, and why mail to others is slow.
std::string Conversation::slow_banner() const {
  if (!why_slow_.empty()) return why_slow_;
  if (!banner_ || subject.side == Side::server || *banner_ < kSlowRemote) return {};
  return "the remote took " + std::to_string(banner_->count()) +
         " ms to greet: it may look our address up first";
}

std::string Conversation::verdict(const ProtocolEvent& closed, std::string_view own_name) const {
  std::string text(closed.text);
  text += text.empty() ? "phase=\"" : "; phase=\"";
  text.append(phase_);
  text += "\" in=" + std::to_string(octets_in_) + " out=" + std::to_string(octets_out_) +
          " messages=" + std::to_string(messages_);
  text += banner_ ? " banner=" + std::to_string(banner_->count()) + "ms" : " banner=none";
  if (const std::string reason = slow_banner(); !reason.empty()) {
    text.append("; slow banner: ").append(reason);
    if (subject.side == Side::client && !own_name.empty()) text.append("; ").append(own_name);
  }
  if (const std::string cause = likely_cause(closed, own_name); !cause.empty())
    text.append("; likely: ").append(cause);
  return text;
}

const std::string& Conversation::origin(Format format) {
  if (origin_.empty() || origin_format_ != format) {
    origin_ = protocol_log::origin(id, subject.side, local, remote, format);
    origin_format_ = format;
  }
  return origin_;
}

}  // namespace postrider::protocol_log
