// SPDX-License-Identifier: MIT
// Mail addresses as the envelope carries them (RFC 5321 section 4.1.2). An ill-formed one cannot
// exist: the only ways to make one are the null path and parse().
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace postrider {

/// A reverse-path or forward-path: null ("<>"), a mailbox, or the bare "Postmaster"
/// (section 4.5.1).
class Path {
 public:
  /// The null reverse-path.
  Path() = default;
  /// A mailbox without angle brackets: dot-string or quoted local part, domain or address literal.
  /// `utf8` allows RFC 6531 characters. Local part at most 64 octets, domain 255, whole 254.
  static std::expected<Path, std::string> parse(std::string_view mailbox, bool utf8 = false);

  bool is_null() const noexcept { return text_.empty(); }
  /// As written, quotes included; case kept (RFC 5321 section 2.4).
  std::string_view local_part() const noexcept { return std::string_view(text_).substr(0, at_); }
  /// As written, without a trailing dot; "[192.0.2.1]" for a literal; empty for Postmaster and <>.
  std::string_view domain() const noexcept {
    return at_ < text_.size() ? std::string_view(text_).substr(at_ + 1) : std::string_view();
  }
  /// The domain in lower case: what tables and destinations compare by.
  std::string domain_key() const;
  bool is_literal() const noexcept { return domain().starts_with('['); }
  /// Does any octet need SMTPUTF8?
  bool is_ascii() const noexcept;
  /// "local@domain", "" for the null path.
  const std::string& text() const noexcept { return text_; }
  /// With angle brackets, as in MAIL and RCPT.
  std::string bracketed() const { return "<" + text_ + ">"; }

  bool operator==(const Path&) const = default;

 private:
  std::string text_;
  std::size_t at_ = 0;  ///< where the separating '@' is; text_.size() if there is none
};

/// Is this a host name that may stand in headers and logs: LDH labels (RFC 1123), 1 to 63 octets
/// each, 253 in all, at least one letter, no trailing dot, no underscore?
bool is_host_name(std::string_view name) noexcept;

/// ASCII letters in lower case.
std::string lower(std::string_view text);

/// Do two ASCII texts agree without regard to case?
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// Text from outside made fit for one line of a header, log or reply: control characters, DEL and
/// invalid UTF-8 become '?', and at most `limit` octets remain.
std::string printable(std::string_view text, std::size_t limit = 512);

}  // namespace postrider
