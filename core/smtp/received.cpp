// SPDX-License-Identifier: MIT
#include "smtp/received.hpp"

#include <algorithm>
#include <initializer_list>

#include "smtp/date.hpp"
#include "smtp/header_block.hpp"

namespace postrider::smtp {
namespace {

constexpr std::size_t kLineLength = 78;  // RFC 5322 section 2.1.1
constexpr std::size_t kLongestHelo = 255;

/// Nothing that could end the field, open a comment or look like a clause of its own.
std::string harmless_helo(std::string_view helo) {
  std::string text(helo.substr(0, kLongestHelo));
  const auto is_special = [](char c) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return !plain && std::string_view(".-_:[]").find(c) == std::string_view::npos;
  };
  std::ranges::replace_if(text, is_special, '?');
  return text.empty() ? "unknown" : text;
}

std::string client_text(const TraceInfo& info) {
  const std::string address = info.client.literal();
  if (!info.client_name) return "(" + address + ")";
  const bool known = is_host_name(*info.client_name);
  return "(" + (known ? *info.client_name : std::string("unknown")) + " " + address + ")";
}

/// Appends words, each after a blank, or after a fold where the line would become too long.
class Folder {
 public:
  explicit Folder(std::string start) : out_(std::move(start)), line_(out_.size()) {}
  void add(std::string_view word) {
    if (line_ + 1 + word.size() > kLineLength) return fold(word);
    out_.append(1, ' ').append(word);
    line_ += 1 + word.size();
  }
  void fold(std::string_view word) {
    out_.append("\r\n\t").append(word);
    line_ = 1 + word.size();
  }
  std::string finish() && { return std::move(out_) + "\r\n"; }

 private:
  std::string out_;
  std::size_t line_;
};

}  // namespace

std::string received(const TraceInfo& info) {
  Folder folder("Received: from");
  folder.add(harmless_helo(info.helo));
  folder.add(client_text(info));
  folder.fold("by " + info.by);
  folder.add("with " + with_protocol(info.protocol, info.tls, info.authenticated, info.smtputf8));
  const bool named =
      info.recipient && !info.recipient->is_null() && (info.recipient->is_ascii() || info.smtputf8);
  folder.add("id " + info.id + (named ? "" : ";"));
  if (named) folder.add("for " + info.recipient->bracketed() + ";");
  folder.add(date(info.at));
  return std::move(folder).finish();
}

std::string with_protocol(Protocol protocol, bool tls, bool authenticated, bool smtputf8) {
  if (protocol == Protocol::smtp) return "SMTP";
  const bool lmtp = protocol == Protocol::lmtp;
  std::string word = smtputf8 ? (lmtp ? "UTF8LMTP" : "UTF8SMTP") : (lmtp ? "LMTP" : "ESMTP");
  if (tls) word += 'S';
  if (authenticated) word += 'A';
  return word;
}

std::size_t count_received(std::string_view header_block) noexcept {
  return count_fields(header_block, "Received");
}

}  // namespace postrider::smtp
