// SPDX-License-Identifier: MIT
// What a client may say with MAIL and RCPT besides the path: SIZE (RFC 1870), BODY (RFC 6152,
// RFC 3030), SMTPUTF8 (RFC 6531), delivery reports (RFC 3461), AUTH (RFC 4954).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postrider {

/// BODY=: what the message may hold. RFC 6152 section 3, RFC 3030 section 3.
enum class Body : std::uint8_t { unsaid, seven_bit, eight_bit, binary };

/// RET=: how much of the message a failure report returns. RFC 3461 section 4.3.
enum class Return : std::uint8_t { unsaid, full, headers };

/// The parameters of one MAIL command; as default constructed: none was given.
struct MailParameters {
  /// SIZE=, octets as the client estimates them; 0: not said. A hint only, never a promise.
  std::uint64_t size = 0;
  Body body = Body::unsaid;
  /// The envelope or the header may hold UTF-8.
  bool smtputf8 = false;
  Return ret = Return::unsaid;
  /// ENVID= as it came, in xtext (RFC 3461 section 4.4); "" if absent. Decodes to printable ASCII.
  std::string envid;
  /// AUTH= as it came, in xtext (RFC 4954 section 5); "" if absent. A claim, not to be trusted.
  std::string auth;

  /// May the body hold octets over 127?
  bool eight_bit() const noexcept { return body == Body::eight_bit || body == Body::binary; }
  bool operator==(const MailParameters&) const = default;
};

/// NOTIFY=: when to report, a set of bits. RFC 3461 section 4.1.
namespace notify {
inline constexpr std::uint8_t kUnsaid = 0;  ///< not given: failure, and delay if we like
inline constexpr std::uint8_t kNever = 1;   ///< always alone
inline constexpr std::uint8_t kSuccess = 2;
inline constexpr std::uint8_t kFailure = 4;
inline constexpr std::uint8_t kDelay = 8;
}  // namespace notify

/// The parameters of one RCPT command; as default constructed: none was given.
struct RcptParameters {
  std::uint8_t notify = notify::kUnsaid;
  /// ORCPT= as it came: "rfc822;" and xtext, or "utf-8;" and its encoding; "" if absent.
  /// RFC 3461 section 4.2, RFC 6533 section 3. Decodes to text without control characters.
  std::string orcpt;

  bool operator==(const RcptParameters&) const = default;
};

/// xtext (RFC 3461 section 4) decoded; nothing if ill-formed. The result may hold any octet:
/// the caller looks for control characters.
std::optional<std::string> xtext_decode(std::string_view xtext);

/// `text` as xtext: '+', '=' and everything outside 33 to 126 become "+XX".
std::string xtext_encode(std::string_view text);

}  // namespace postrider
