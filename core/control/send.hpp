// SPDX-License-Identifier: MIT
// `postrider send`: hand one message to an SMTP server and say what it answered.
#pragma once

#include <expected>
#include <string>
#include <vector>

namespace postrider::control {

struct Sending {
  std::string server;  ///< "127.0.0.1:2525"
  std::string from;    ///< "" is the null reverse-path
  std::vector<std::string> to;
  std::string message;  ///< lines may end with LF or CRLF
};

enum class SendFailure {
  no_address,   ///< `server` makes no sense
  unreachable,  ///< nobody answers there
  refused,      ///< the server said no, or broke off
};

struct SendError {
  SendFailure kind = SendFailure::refused;
  std::string text;
};

/// The server's last reply; the error says where it refused. Blocking; at most a minute per reply.
std::expected<std::string, SendError> send(const Sending& sending);

}  // namespace postrider::control
