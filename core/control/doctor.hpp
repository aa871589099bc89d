// SPDX-License-Identifier: MIT
// `postrider doctor`: gathers the facts about our names, machine, listeners, relay rules, spool and
// name servers, and has each group judged. Needs no daemon; connects only to our own listeners and
// name servers.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "control/answer.hpp"
#include "control/finding.hpp"

namespace postrider::control {

struct Examination {
  std::string file = "/etc/postrider/postrider.toml";
  std::string domain;                         ///< empty: that of our host name
  std::vector<std::string> public_addresses;  ///< what NAT makes of ours
};

/// The error is a mistake in the arguments. A configuration with mistakes is a finding.
std::expected<Answer, std::string> run_doctor(const Examination& examination);

std::string findings_text(const Findings& findings);
Json findings_json(const Findings& findings);

}  // namespace postrider::control
