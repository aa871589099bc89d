// SPDX-License-Identifier: MIT
// What a probe of a mail server found, phase by phase, and what that may mean (Q258745, Q190026,
// Q286375): pure judgement, without I/O.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/ip_address.hpp>
#include <postrider/reply.hpp>
#include <postrider/time.hpp>

namespace postrider::control {

/// The phases in their order. `helo` comes only when EHLO was refused, `starttls` only when it is
/// offered.
enum class ProbePhase : std::uint8_t { lookup, connect, banner, ehlo, helo, starttls };
/// "lookup"
std::string_view phase_name(ProbePhase phase) noexcept;

enum class ProbeEnd : std::uint8_t {
  ok,
  no_name,      ///< lookup: the name does not exist or has no address
  no_dns,       ///< lookup: DNS could not tell
  refused,      ///< connect: answered with a reset
  unreachable,  ///< connect: no way there, or another error of the network
  silent,       ///< nothing came within the timeout
  closed,       ///< the connection ended
  rejected,     ///< a reply of 4yz or 5yz
  nonsense,     ///< not SMTP
};
/// "no name"
std::string_view end_name(ProbeEnd end) noexcept;

/// One phase as it went.
struct PhaseFacts {
  ProbePhase phase = ProbePhase::lookup;
  ProbeEnd end = ProbeEnd::ok;
  Duration took{};
  std::string detail{};  ///< addresses, the reply, or the error; printable
  int code = 0;          ///< of the reply, if there is one
};

struct ProbeFacts {
  std::string target;              ///< "mx.example.org:25", for people
  std::vector<PhaseFacts> phases;  ///< as far as the probe came; several connects if some failed
  SocketAddress peer;              ///< where the connection went; port 0: nowhere
  bool starttls = false;
  std::vector<std::string> keywords;  ///< of the EHLO reply
};

/// The values are exit codes.
enum class Usability : std::uint8_t { fine = 0, slow_or_odd = 1, not_usable = 2 };

struct Judgement {
  Usability usability = Usability::fine;
  std::string sentence;  ///< one line: what was slow or wrong, and what it may mean
};

/// A phase that took `slow` or longer is slow.
Judgement judge(const ProbeFacts& facts, Duration slow);

}  // namespace postrider::control
