// SPDX-License-Identifier: MIT
// postrider trace: the sessions and attempts that the flight recorder of protocol_log remembers.
#pragma once

#include <string>
#include <vector>

#include "control/control_json.hpp"

namespace postrider::control {

/// What the operator typed after "trace".
struct Tracing {
  std::string id;
  std::string message;  ///< only what is about this queue id
  bool follow = false;
  std::string direction;
  std::vector<std::string> networks, hosts, senders, recipients;
};

/// The words for the daemon; `cursors` of the last answer when following, "now" at first.
std::vector<std::string> trace_words(const Tracing& tracing, const std::string& cursors);
/// The cursors of an answer, for the next question.
std::string next_cursors(const Json& answer);
/// A list of sessions, or each with its lines; the text log's lines when following.
std::string trace_text(const Json& answer);

}  // namespace postrider::control
