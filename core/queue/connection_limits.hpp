// SPDX-License-Identifier: MIT
// How long each step of a connection to a next hop may take (RFC 5321 section 4.5.3.2), and for how
// long and how much it is used: for all destinations, or for those of a [[destination]] block.
#pragma once

#include <cstddef>

#include <postrider/time.hpp>

namespace postrider::queue {

/// In a rule, zero is not set.
struct ConnectionLimits {
  Duration connect{};  ///< to one address
  Duration greeting{};
  Duration hello{};
  Duration mail{};
  Duration rcpt{};
  Duration data_init{};
  Duration data_block{};  ///< of one write
  Duration data_end{};
  Duration quit{};               ///< nothing depends on the reply
  Duration idle_connection{};    ///< how long it waits for more mail
  std::size_t max_messages = 0;  ///< that it carries

  /// These, and what is not set here as in `others`.
  ConnectionLimits or_else(const ConnectionLimits& others) const noexcept {
    ConnectionLimits limits = others;
    for (const auto step :
         {&ConnectionLimits::connect, &ConnectionLimits::greeting, &ConnectionLimits::hello,
          &ConnectionLimits::mail, &ConnectionLimits::rcpt, &ConnectionLimits::data_init,
          &ConnectionLimits::data_block, &ConnectionLimits::data_end, &ConnectionLimits::quit,
          &ConnectionLimits::idle_connection})
      if (this->*step > Duration{}) limits.*step = this->*step;
    if (max_messages > 0) limits.max_messages = max_messages;
    return limits;
  }
};

}  // namespace postrider::queue
