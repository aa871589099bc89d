// SPDX-License-Identifier: MIT
// Replies on the wire and in the log (RFC 5321 section 4.2, RFC 2034).
#include <algorithm>
#include <array>
#include <charconv>

#include <postrider/path.hpp>
#include <postrider/reply.hpp>

namespace postrider {
namespace {

constexpr std::size_t kLineLimit = 510;  // RFC 5321 section 4.5.3.1.5, without CRLF

/// One to three digits at the start of `text`, which loses them; -1 if there are none or more.
int take_number(std::string_view& text) noexcept {
  int value = 0;
  std::size_t length = 0;
  while (length < text.size() && length < 4 && text[length] >= '0' && text[length] <= '9')
    value = value * 10 + (text[length++] - '0');
  if (length == 0 || length > 3) return -1;
  text.remove_prefix(length);
  return value;
}

bool take(std::string_view& text, char c) noexcept {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

/// Where to end a piece of at most `limit` octets: never inside a UTF-8 character.
std::size_t piece_length(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text.size();
  std::size_t length = limit;
  while (length > limit - 4 && (static_cast<unsigned char>(text[length]) & 0xC0U) == 0x80) --length;
  return length;
}

}  // namespace

std::string EnhancedStatus::text() const {
  if (!is_set()) return {};
  std::array<char, 16> digits{};
  char* end = digits.data();
  for (const unsigned part : {unsigned{klass}, unsigned{subject}, unsigned{detail}}) {
    if (end != digits.data()) *end++ = '.';
    end = std::to_chars(end, digits.data() + digits.size(), part).ptr;
  }
  return {digits.data(), end};
}

EnhancedStatus EnhancedStatus::parse(std::string_view text) noexcept {
  const int klass = take_number(text);
  if ((klass != 2 && klass != 4 && klass != 5) || !take(text, '.')) return {};
  const int subject = take_number(text);
  if (subject < 0 || !take(text, '.')) return {};
  const int detail = take_number(text);
  if (detail < 0 || (!text.empty() && text.front() != ' ' && text.front() != '\t')) return {};
  return {static_cast<std::uint8_t>(klass), static_cast<std::uint16_t>(subject),
          static_cast<std::uint16_t>(detail)};
}

Reply::Reply(ReplyLiteral literal) {
  std::string_view rest = literal.text();
  code = take_number(rest);
  take(rest, ' ');
  status = EnhancedStatus::parse(rest);
  if (status.is_set()) rest.remove_prefix(std::min(rest.size(), status.text().size() + 1));
  text = rest;
}

std::string Reply::wire() const {
  // A code that is none would be our own mistake: the client shall try again later.
  const bool sound = code >= 200 && code <= 599;
  const std::string digits = std::to_string(sound ? code : 451);
  const bool agrees = status.klass == code / 100;
  const std::string prefix = sound && agrees ? status.text() : sound ? "" : "4.3.0";
  const std::size_t room = kLineLimit - 4 - (prefix.empty() ? 0 : prefix.size() + 1);

  std::string out;
  std::string_view rest = text;
  for (bool last = false; !last;) {
    const std::size_t line_end = std::min(rest.find('\n'), rest.size());
    const std::size_t length = piece_length(rest.substr(0, line_end), room);
    const std::string piece = printable(rest.substr(0, length), room);
    last = length == rest.size();
    rest.remove_prefix(!last && length == line_end ? length + 1 : length);
    out.append(digits).append(last ? " " : "-").append(prefix);
    if (!prefix.empty() && !piece.empty()) out += ' ';
    out.append(piece).append("\r\n");
  }
  return out;
}

std::string Reply::line() const {
  std::string out = std::to_string(code);
  out.reserve(text.size() + 20);
  if (status.is_set()) (out += ' ') += status.text();
  if (!text.empty()) (out += ' ') += text;
  std::ranges::replace(out, '\n', ' ');
  return printable(out, out.size());
}

}  // namespace postrider
