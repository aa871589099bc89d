// SPDX-License-Identifier: MIT
#include "report.hpp"

#include <algorithm>
#include <array>

#include <postrider/parameters.hpp>

#include "line_text.hpp"
#include "plain_words.hpp"
#include "status_fields.hpp"

namespace postrider::ndr {
namespace {

struct Part {
  std::string description;
  std::string type;
  std::string encoding;  ///< "" is 7bit
  std::string content;

  std::string text() const {
    std::string out = "Content-Description: " + description + "\r\nContent-Type: " + type + "\r\n";
    if (!encoding.empty()) out += "Content-Transfer-Encoding: " + encoding + "\r\n";
    return out + "\r\n" + content;
  }
};

Part words_part(const Situation& situation, const Original& original) {
  Part part{"Notification", "text/plain; charset=us-ascii", "", plain_words(situation, original)};
  if (is_clean(part.content, false)) return part;
  part.type = "text/plain; charset=utf-8";
  part.encoding = situation.utf8 ? "8bit" : "quoted-printable";
  if (!situation.utf8) part.content = quoted_printable(part.content);
  return part;
}

Part status_part(const Situation& situation) {
  Part part{"Delivery report", "message/delivery-status", "", status_fields(situation)};
  if (is_clean(part.content, false)) return part;
  part.type = "message/global-delivery-status";
  part.encoding = "8bit";
  return part;
}

/// message/rfc822 may not be encoded (RFC 2046 section 5.2.1), message/global may (RFC 6532
/// section 3.7): octets that no line-based path would keep travel as base64.
Part message_part(const Situation& situation, const Original& original) {
  Part part{"Your message", "message/rfc822", "", original.octets};
  if (is_clean(part.content, false)) return part;
  part.type = "message/global";
  part.encoding = "8bit";
  if (situation.utf8 && is_clean(part.content, true)) return part;
  part.encoding = "base64";
  part.content = base64(original.octets);
  return part;
}

Part header_part(const Situation& situation, const Original& original) {
  Part part{original.is_cut ? "Header of your message, first part" : "Header of your message",
            "text/rfc822-headers", "", std::string(original.header())};
  if (is_clean(part.content, false)) return part;
  if (situation.global) part.type = "message/global-headers";
  part.encoding = "8bit";
  if (situation.utf8 && is_clean(part.content, true)) return part;
  if (!situation.global) part.type += "; charset=unknown-8bit";
  part.encoding = "quoted-printable";
  part.content = quoted_printable(part.content);
  return part;
}

std::string thread_fields(const Original& original) {
  const auto own = field_of(original.header(), "Message-ID");
  const auto ids = own ? message_ids(*own) : std::vector<std::string>();
  if (ids.empty()) return {};
  std::vector<std::string> chain =
      message_ids(field_of(original.header(), "References").value_or(""));
  chain.push_back(ids.front());
  std::string references = "References:";
  for (const std::string& id : chain) references += (references.back() == ':' ? " " : "\r\n ") + id;
  return "In-Reply-To: " + ids.front() + "\r\n" + references + "\r\n";
}

std::string header(const Situation& situation, const Original& original) {
  std::string out;
  out += "From: Mail Delivery System <MAILER-DAEMON@" + situation.hostname + ">\r\n";
  out += "To: " + situation.to.text() + "\r\n";
  out += "Subject: " + std::string(subject(situation.gravest())) + "\r\n";
  out += "Date: " + situation.date + "\r\n";
  out += "Message-ID: " + situation.message_id + "\r\n";
  out += thread_fields(original);
  out += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
  return out;
}

/// RET is about failures only; other reports return the header (RFC 3461 section 4.3). A message
/// that would have to be encoded is returned whole only on demand: few readers open it.
bool returns_whole(const Situation& situation, const Original& original) {
  if (!original.is_whole || situation.gravest() != Action::failed) return false;
  const Return ret = situation.message->parameters().ret;
  return ret == Return::full ||
         (ret == Return::unsaid && is_clean(original.octets, situation.utf8));
}

}  // namespace

std::string write_report(const Situation& situation, Original original,
                         const NewBoundary& new_boundary) {
  std::vector<std::string> parts{words_part(situation, original).text(),
                                 status_part(situation).text()};
  if (!original.octets.empty())
    parts.push_back((returns_whole(situation, original) ? message_part(situation, original)
                                                        : header_part(situation, original))
                        .text());
  std::string boundary = new_boundary();
  const auto holds = [&](const std::string& part) { return part.contains(boundary); };
  while (std::ranges::any_of(parts, holds)) boundary = new_boundary();
  std::string out = header(situation, original);
  out += "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"" + boundary +
         "\"\r\n";
  const bool eight_bit =
      std::ranges::any_of(parts, [](const std::string& part) { return !is_clean(part, false); });
  if (eight_bit) out += "Content-Transfer-Encoding: 8bit\r\n";
  for (const std::string& part : parts) out += "\r\n--" + boundary + "\r\n" + part;
  return out + "\r\n--" + boundary + "--\r\n";
}

}  // namespace postrider::ndr
