// SPDX-License-Identifier: MIT
// The grammar of mailboxes (RFC 5321 section 4.1.2, RFC 6531 section 3.3), read in one pass from
// left to right; and text from outside made harmless.
#include <algorithm>

#include <postrider/ip_address.hpp>
#include <postrider/path.hpp>

#include "utf8.hpp"

namespace postrider {
namespace {

constexpr std::size_t kLocalPartLimit = 64;  // RFC 5321 section 4.5.3.1.1
constexpr std::size_t kDomainLimit = 255;    // section 4.5.3.1.2
constexpr std::size_t kWholeLimit = 254;     // section 4.5.3.1.3: 256 with the angle brackets
constexpr std::size_t kLabelLimit = 63;      // RFC 1035 section 2.3.4

constexpr bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_atext(char c) {
  return is_letter(c) || is_digit(c) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos;
}
constexpr bool is_ascii_octet(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}
/// Printable ASCII.
constexpr bool is_plain_octet(char c) {
  return c >= ' ' && c < '\x7f';
}
constexpr char lower_letter(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// Octets of the UTF-8 character at `text`'s start if it may stand in a local part, else 0.
std::size_t foreign_character(std::string_view text, bool allowed) noexcept {
  if (!allowed || is_ascii_octet(text.front())) return 0;
  const utf8::Character c = utf8::first(text);
  return c.length == 0 || utf8::is_control(c.value) ? 0 : c.length;
}

/// Where the dot-string at the start of `text` ends; nothing if it is ill-formed.
std::expected<std::size_t, std::string> dot_string_end(std::string_view text, bool utf8) {
  std::size_t i = 0;
  bool atom_open = false;
  while (i < text.size() && text[i] != '@') {
    if (text[i] == '.') {
      if (!atom_open) return std::unexpected("misplaced dot in the local part");
      atom_open = false;
      ++i;
      continue;
    }
    const std::size_t length = is_atext(text[i]) ? 1 : foreign_character(text.substr(i), utf8);
    if (length == 0) return std::unexpected("a character in the local part that may not be there");
    i += length;
    atom_open = true;
  }
  if (!atom_open) {
    return std::unexpected(i == 0 ? "empty local part" : "misplaced dot in the local part");
  }
  return i;
}

/// Where the quoted string at the start of `text` ends.
std::expected<std::size_t, std::string> quoted_string_end(std::string_view text, bool utf8) {
  std::size_t i = 1;
  while (i < text.size() && text[i] != '"') {
    if (text[i] == '\\') ++i;
    if (i == text.size()) break;
    const bool plain = text[i] >= ' ' && text[i] <= '~';
    const std::size_t length = plain ? 1 : foreign_character(text.substr(i), utf8);
    if (length == 0) return std::unexpected("a character in quotes that may not be there");
    i += length;
  }
  if (i >= text.size()) return std::unexpected("unclosed quotes");
  return i + 1;
}

bool is_literal_sound(std::string_view literal) {
  if (!literal.ends_with(']')) return false;
  std::string_view inside = literal.substr(1, literal.size() - 2);
  const bool v6 = equal_ignoring_case(inside.substr(0, 5), "IPv6:");
  if (v6) inside.remove_prefix(5);
  if (v6 != (inside.find(':') != inside.npos)) return false;
  return IpAddress::parse(inside).has_value();
}

/// One label: letters, digits and inner hyphens; foreign characters if allowed.
bool is_label(std::string_view label, bool utf8) noexcept {
  if (label.empty() || label.front() == '-' || label.back() == '-') return false;
  bool foreign = false;
  for (std::size_t i = 0; i < label.size();) {
    if (is_letter(label[i]) || is_digit(label[i]) || label[i] == '-') {
      ++i;
      continue;
    }
    if (!utf8 || is_ascii_octet(label[i])) return false;
    const utf8::Character c = utf8::first(label.substr(i));
    if (c.length == 0 || !utf8::is_domain_character(c.value)) return false;
    foreign = true;
    i += c.length;
  }
  return foreign || label.size() <= kLabelLimit;
}

bool is_domain(std::string_view domain, bool utf8) noexcept {
  while (true) {
    const std::size_t dot = domain.find('.');
    if (!is_label(domain.substr(0, dot), utf8)) return false;
    if (dot == domain.npos) return true;
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace

std::expected<Path, std::string> Path::parse(std::string_view mailbox, bool utf8) {
  // First of all, so that the rest never walks over more than a kilobyte.
  if (mailbox.size() > kWholeLimit + 1) return std::unexpected("longer than 254 octets");
  if (mailbox.empty()) return std::unexpected("empty");
  Path path;
  if (equal_ignoring_case(mailbox, "postmaster")) {
    path.text_ = mailbox;
    path.at_ = mailbox.size();
    return path;
  }
  const auto end =
      mailbox.front() == '"' ? quoted_string_end(mailbox, utf8) : dot_string_end(mailbox, utf8);
  if (!end) return std::unexpected(end.error());
  if (*end > kLocalPartLimit) return std::unexpected("local part longer than 64 octets");
  if (*end == mailbox.size()) return std::unexpected("no domain");
  if (mailbox[*end] != '@') return std::unexpected("something after the quotes");

  std::string_view domain = mailbox.substr(*end + 1);
  if (domain.empty()) return std::unexpected("empty domain");
  if (domain.front() == '[') {
    if (!is_literal_sound(domain)) return std::unexpected("bad address literal");
  } else {
    if (domain.ends_with('.')) domain.remove_suffix(1);
    if (!is_domain(domain, utf8)) return std::unexpected("bad domain");
  }
  if (domain.size() > kDomainLimit) return std::unexpected("domain longer than 255 octets");
  path.text_ = mailbox.substr(0, *end + 1 + domain.size());
  path.at_ = *end;
  if (path.text_.size() > kWholeLimit) return std::unexpected("longer than 254 octets");
  return path;
}

std::string Path::domain_key() const {
  return lower(domain());
}

bool Path::is_ascii() const noexcept {
  return std::ranges::all_of(text_, is_ascii_octet);
}

bool is_host_name(std::string_view name) noexcept {
  return name.size() <= 253 && std::ranges::any_of(name, is_letter) && is_domain(name, false);
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), lower_letter);
  return out;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower_letter, lower_letter);
}

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  out.reserve(std::min(text.size(), limit));
  while (!text.empty() && out.size() < limit) {
    const std::string_view room = text.substr(0, limit - out.size());
    const auto plain = std::ranges::find_if_not(room, is_plain_octet) - room.begin();
    if (plain > 0) {
      out += text.substr(0, static_cast<std::size_t>(plain));
      text.remove_prefix(static_cast<std::size_t>(plain));
      continue;
    }
    const utf8::Character c = utf8::first(text);
    if (c.length == 0 || utf8::is_control(c.value)) {
      out += '?';
    } else if (out.size() + c.length > limit) {
      break;
    } else {
      out += text.substr(0, c.length);
    }
    text.remove_prefix(std::max<std::size_t>(c.length, 1));
  }
  return out;
}

}  // namespace postrider
