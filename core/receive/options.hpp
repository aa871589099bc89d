// SPDX-License-Identifier: MIT
// The limits and texts of receiving. Each limit has a key in [smtp], a default and a reply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <postrider/time.hpp>

namespace postrider::receive {

struct Options {
  std::string hostname;  ///< our name in the banner, replies and Received
  std::string banner;    ///< after the name in the greeting
  std::uint64_t max_message_size = 50ull << 20;
  std::size_t max_line = 2048;        ///< octets of a command line, CRLF included
  std::size_t max_data_line = 65536;  ///< octets of a line of the message
  std::size_t max_header_size = 1 << 20;
  std::uint64_t memory = 128ull << 20;  ///< of all messages that come in and are not on disk
  std::size_t max_recipients = 1000;
  unsigned max_errors = 20;
  unsigned max_received = 100;  ///< RFC 5321 section 6.3
  std::size_t max_sessions = 10000;
  std::size_t max_sessions_per_client = 100;
  Duration command_timeout = 5min;  ///< RFC 5321 section 4.5.3.2.7
  Duration data_timeout = 5min;     ///< between two reads of message content
  /// Octets a second: a message may take data_timeout and the time it needs at this rate; 0: no
  /// such limit.
  std::uint64_t min_data_rate = 500;
  Duration session_timeout = 2h;
  Duration slow_banner = 1s;  ///< a greeting that took so long gets a warning with the reason
};

}  // namespace postrider::receive
