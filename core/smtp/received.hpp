// SPDX-License-Identifier: MIT
// The trace field put on top of each message (RFC 5321 section 4.4) and counted to find loops
// (section 6.3). The words after "with" are those of RFC 3848 and RFC 6531 section 4.3.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <postrider/ip_address.hpp>
#include <postrider/path.hpp>
#include <postrider/session.hpp>
#include <postrider/time.hpp>

namespace postrider::smtp {

struct TraceInfo {
  std::string helo;  ///< as the client said it: hostile text
  /// The client's verified name: nothing: not looked up; "" or no host name: unknown.
  std::optional<std::string> client_name;
  IpAddress client;
  std::string by;  ///< our own name
  Protocol protocol = Protocol::smtp;
  bool tls = false;
  bool authenticated = false;
  bool smtputf8 = false;
  std::string id;                 ///< the queue id
  std::optional<Path> recipient;  ///< only when there is exactly one (sections 4.4 and 7.2)
  WallTime at{};
};

/// "Received: from HELO (NAME [ADDR])\r\n\tby ...; date\r\n", in lines of at most 78 octets where
/// possible. An unknown name is "(unknown [ADDR])", one not looked up "([ADDR])". A HELO that is
/// neither a host name nor an address literal has its special characters replaced by '?'.
std::string received(const TraceInfo& info);

/// "SMTP", "ESMTP", "ESMTPS", "ESMTPSA", "LMTP", "UTF8SMTP", "UTF8LMTPS", ...
std::string with_protocol(Protocol protocol, bool tls, bool authenticated, bool smtputf8);

/// How many Received fields the header block has.
std::size_t count_received(std::string_view header_block) noexcept;

}  // namespace postrider::smtp
