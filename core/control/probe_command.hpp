// SPDX-License-Identifier: MIT
// `postrider probe HOST[:PORT]`: the probe on a loop of its own, as text or JSON.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "control/answer.hpp"
#include "control/probe.hpp"

namespace postrider::control {

struct Probing {
  std::string target;
  std::vector<std::string> servers;  ///< of DNS; empty: resolv.conf
  std::string timeout = "30s";
  std::string slow = "1s";
  std::string hello;  ///< empty: the machine's full name, else its address
};

/// The error is a mistake in the arguments.
std::expected<Answer, std::string> run_probe(const Probing& probing);

std::string probe_text(const ProbeFacts& facts, const Judgement& judgement);
Json probe_json(const ProbeFacts& facts, const Judgement& judgement);

}  // namespace postrider::control
