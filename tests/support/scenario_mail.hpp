// SPDX-License-Identifier: MIT
// One message that a scenario hands in: written as a line, sent in a session of its own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/sim_server.hpp"

namespace postrider::sim {

/// "from <a@x> BODY=8BITMIME to <b@y> <c@y> by 192.0.2.7 size 300KiB expect 250"
struct Letter {
  std::string sender;  ///< with parameters, as MAIL has them
  std::vector<std::string> recipients;
  IpAddress client = IpAddress::parse("192.0.2.1").value();
  std::string expected = "250";   ///< pattern of the start of the deciding reply
  std::vector<std::string> text;  ///< header and body; a short one if empty
};

/// Throws Mismatch if the line makes no sense.
Letter read_letter(std::string_view line, const std::vector<std::string>& text);

/// The deciding reply: the first refusal, or the one after the final dot.
std::string send_letter(SimServer& server, const Letter& letter);

/// Header and body as the final reader is to have them.
std::string content_of(const Letter& letter);

/// Dots added; the final one is not there.
std::string stuffed(std::string_view content);

}  // namespace postrider::sim
