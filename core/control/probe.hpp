// SPDX-License-Identifier: MIT
// A probe of a mail server: name lookup, connect, banner, EHLO, STARTTLS, each timed (the telnet
// test of Q153119 and Q286375, done by a program). RFC 5321 section 3.1 and 3.2, RFC 3207 section
// 4; nothing is sent but EHLO or HELO, STARTTLS, and QUIT. The TLS handshake itself is not made.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include <postrider/dns.hpp>

#include "control/probe_judgement.hpp"
#include "runtime/runtime.hpp"

namespace postrider::control {

struct ProbeTarget {
  std::string host;  ///< a host name, or an address as text
  std::uint16_t port = 25;
  /// "mx.example.org:25", "[2001:db8::1]:25"
  std::string text() const;
};
/// "HOST", "HOST:PORT", "192.0.2.1", "192.0.2.1:25", "2001:db8::1", "[2001:db8::1]:25".
std::expected<ProbeTarget, std::string> parse_probe_target(std::string_view text);

struct ProbeOptions {
  Duration timeout = 30s;  ///< for each phase; for each address when connecting
  std::string hello{};     ///< our name after EHLO; empty: our address as a literal
  bool lmtp = false;       ///< LHLO instead of EHLO (RFC 2033)
};

/// [loop thread, may suspend] Addresses are tried in turn until one connects. `runtime` and `dns`
/// outlive the task.
Task<ProbeFacts> probe(runtime::Runtime& runtime, Dns& dns, ProbeTarget target,
                       ProbeOptions options);

}  // namespace postrider::control
