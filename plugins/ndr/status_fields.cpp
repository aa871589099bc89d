// SPDX-License-Identifier: MIT
#include "status_fields.hpp"

#include <algorithm>
#include <cstdint>

#include <postrider/parameters.hpp>

#include "line_text.hpp"

namespace postrider::ndr {
namespace {

constexpr std::size_t kTextLimit = 2000;  // of a remote's words, for each recipient

/// The first character of valid UTF-8, which is taken off `text`.
std::uint32_t take_character(std::string_view& text) noexcept {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  std::uint32_t value = length == 1 ? first : first & (0x7FU >> length);
  for (std::size_t i = 1; i < length && i < text.size(); ++i)
    value = value << 6U | (static_cast<unsigned char>(text[i]) & 0x3FU);
  text.remove_prefix(std::min(length, text.size()));
  return value;
}

void append_embedded(std::string& out, std::uint32_t value) {
  static constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string digits;
  for (; value != 0; value >>= 4U) digits.insert(digits.begin(), kHex[value & 15U]);
  if (digits.size() < 2) digits.insert(0, 2 - digits.size(), '0');
  out.append("\\x{").append(digits).append("}");
}

/// RFC 6533 section 3, utf-8-addr-xtext: printable ASCII, the rest as "\x{HEX}". `is_encoded`: what
/// is ASCII in it has that form already.
std::string embedded(std::string_view address, bool is_encoded) {
  std::string out;
  while (!address.empty()) {
    const std::uint32_t value = take_character(address);
    const bool special = value == '+' || value == '=' || value == '\\';
    if (value > ' ' && value < 0x7F && (is_encoded || !special))
      out += static_cast<char>(value);
    else
      append_embedded(out, value);
  }
  return out;
}

/// The name or the address literal at the start of "mail.example.org [192.0.2.1]:2525".
std::string remote_name(std::string_view remote) {
  const std::size_t end = remote.starts_with('[') ? remote.find(']') + 1 : remote.find(' ');
  const std::string_view name = remote.substr(0, end);
  return name.starts_with('[') || is_host_name(name) ? std::string(name) : std::string();
}

/// The remote's reply as it was; without one our own words, under a type of our own.
std::string diagnostic(const Outcome& outcome, bool utf8) {
  const bool trouble = outcome.action == Action::failed || outcome.action == Action::delayed;
  if (outcome.reply.code == 0)
    return outcome.text.empty() || !trouble
               ? std::string()
               : "x-postrider; " + one_line(outcome.text, utf8, kTextLimit);
  Reply clipped = outcome.reply;
  clipped.text.resize(std::min(clipped.text.size(), kTextLimit));
  return "smtp; " + one_line(clipped.line(), utf8, kTextLimit);
}

std::string message_fields(const Situation& situation) {
  std::string out = folded_field("Reporting-MTA", "dns; " + situation.hostname);
  if (const auto envid = xtext_decode(situation.message->parameters().envid);
      envid && !envid->empty())
    out += "Original-Envelope-Id: " + one_line(*envid, false, 200) + "\r\n";
  return out += folded_field("Arrival-Date", date_text(situation.message->arrived()));
}

std::string recipient_fields(const Situation& situation, const RecipientOutcome& told) {
  const Outcome& outcome = told.outcome;
  std::string out;
  const std::string original = original_recipient(told.recipient.parameters.orcpt, situation.utf8);
  if (!original.empty()) out += "Original-Recipient: " + original + "\r\n";
  out += "Final-Recipient: " + typed_address(told.recipient.path, situation.utf8) + "\r\n";
  out += folded_field("Action", action_name(outcome.action));
  out += folded_field("Status", outcome.status.text());
  if (const std::string name = remote_name(outcome.remote); !name.empty())
    out += folded_field("Remote-MTA", "dns; " + name);
  if (const std::string text = diagnostic(outcome, situation.utf8); !text.empty())
    out += folded_field("Diagnostic-Code", text);
  if (told.attempted) out += folded_field("Last-Attempt-Date", date_text(situation.now));
  if (outcome.action == Action::delayed)
    out += folded_field("Will-Retry-Until", date_text(told.give_up_at));
  return out;
}

}  // namespace

std::string typed_address(const Path& path, bool utf8) {
  if (path.is_ascii()) return "rfc822; " + path.text();
  return "utf-8; " + (utf8 ? path.text() : embedded(path.text(), false));
}

std::string original_recipient(const std::string& orcpt, bool utf8) {
  const std::size_t semicolon = orcpt.find(';');
  if (semicolon == orcpt.npos) return {};
  const std::string type = one_line(orcpt.substr(0, semicolon), false, 64);
  const std::string address = orcpt.substr(semicolon + 1);
  if (equal_ignoring_case(type, "utf-8"))
    return type + "; " + (utf8 ? one_line(address, true, 900) : embedded(address, true));
  const auto decoded = xtext_decode(address);
  return decoded ? type + "; " + one_line(*decoded, false, 900) : std::string();
}

std::string status_fields(const Situation& situation) {
  std::string out = message_fields(situation);
  for (const Told& told : situation.recipients)
    out += "\r\n" + recipient_fields(situation, told.what);
  return out;
}

}  // namespace postrider::ndr
