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

/// The server's last reply; the error says where it refused. Blocking; at most a minute per reply.
std::expected<std::string, std::string> send(const Sending& sending);

}  // namespace postrider::control
