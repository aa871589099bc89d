// SPDX-License-Identifier: MIT
// A reply of an SMTP server: code, enhanced status (RFC 3463, RFC 2034) and text
// (RFC 5321 section 4.2). Used for our own replies and for those of next hops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace postrider {

/// RFC 3463 "class.subject.detail"; all zero: none.
struct EnhancedStatus {
  std::uint8_t klass = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;
  bool is_set() const noexcept { return klass != 0; }
  /// "5.4.6"; "" if none.
  std::string text() const;
  /// From "5.4.6" at the start of `text`; not set if there is none.
  static EnhancedStatus parse(std::string_view text) noexcept;
  bool operator==(const EnhancedStatus&) const = default;
};

/// A reply literal "550 5.7.1 Text", checked at compile time: three digits, an enhanced status of
/// the same class (none for 3yz), printable ASCII, at most 490 octets.
class ReplyLiteral {
 public:
  // NOLINTNEXTLINE: implicit by design
  consteval ReplyLiteral(const char* text) : text_(text) { check(); }
  constexpr std::string_view text() const noexcept { return text_; }

 private:
  consteval void check() const {
    const std::string_view t(text_);
    if (t.size() < 5 || t.size() > 490) throw "a reply has 5 to 490 octets";
    for (std::size_t i = 0; i < 3; ++i)
      if (t[i] < '0' || t[i] > '9') throw "a reply begins with three digits";
    if (t[0] < '2' || t[0] > '5' || t[3] != ' ') throw "a reply is like \"550 5.7.1 Text\"";
    if (t[0] != '3' && (t[4] != t[0] || t[5] != '.')) throw "enhanced status of another class";
    for (const char c : t)
      if (c < ' ' || c > '~') throw "a reply is printable ASCII";
  }
  const char* text_;
};

struct Reply {
  int code = 0;
  EnhancedStatus status;
  std::string text;  ///< without code and status; lines separated by '\n'

  Reply() = default;
  Reply(ReplyLiteral literal);  // NOLINT: implicit by design
  Reply(int c, EnhancedStatus s, std::string t) : code(c), status(s), text(std::move(t)) {}

  bool is_positive() const noexcept { return code >= 200 && code < 400; }
  bool is_temporary() const noexcept { return code >= 400 && code < 500; }
  bool is_permanent() const noexcept { return code >= 500; }
  /// On the wire: each line "250-2.1.0 text\r\n", the last with a space. Never over 512 octets a
  /// line; control characters become '?'.
  std::string wire() const;
  /// For logs and reports: "550 5.7.1 text", lines joined by a space.
  std::string line() const;
  bool operator==(const Reply&) const = default;
};

}  // namespace postrider
