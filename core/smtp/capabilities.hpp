// SPDX-License-Identifier: MIT
// Service extensions: what we offer after EHLO, and what a next hop offers (RFC 5321 section
// 4.1.1.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/reply.hpp>

namespace postrider::smtp {

/// What a server offers. As default constructed: what Postrider always does.
struct Offer {
  std::uint64_t max_message_size = 0;  ///< octets; 0: no fixed limit (RFC 1870 section 4)
  bool pipelining = true;
  bool eight_bit_mime = true;
  bool smtputf8 = true;
  bool enhanced_status_codes = true;
  bool dsn = false;
  bool chunking = false;
  bool binarymime = false;
  bool starttls = false;
  std::vector<std::string> auth_mechanisms{};  ///< none: no AUTH
};

/// The keyword lines of an EHLO reply, without code: "PIPELINING", "SIZE 10240000", ...
std::vector<std::string> offer(const Offer& offer);

/// What a next hop says it can do.
struct Capabilities {
  bool pipelining = false;
  bool size = false;           ///< SIZE was said
  std::uint64_t max_size = 0;  ///< octets; 0: no limit said
  bool eight_bit_mime = false;
  bool smtputf8 = false;
  bool enhanced_status_codes = false;
  bool chunking = false;
  bool binarymime = false;
  bool starttls = false;
  bool dsn = false;
  bool requiretls = false;
  std::vector<std::string> auth_mechanisms;  ///< upper case
  bool operator==(const Capabilities&) const = default;
};

/// From the 250 reply to EHLO or LHLO, whose first line is the greeting. Keywords in any case;
/// unknown ones and bad arguments are ignored; at most 32 mechanisms.
Capabilities parse_capabilities(const Reply& reply);

}  // namespace postrider::smtp
