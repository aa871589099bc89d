// SPDX-License-Identifier: MIT
// `postrider probe HOST[:PORT]`: the probe on a loop of its own, as text or JSON.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include <postrider/ip_address.hpp>

#include "control/control_json.hpp"
#include "control/probe.hpp"

namespace postrider::control {

struct Probing {
  std::string target;
  std::vector<std::string> servers;  ///< of DNS; empty: resolv.conf
  std::string timeout = "30s";
  std::string slow = "1s";
  std::string hello;  ///< empty: the machine's full name, else its address
};

struct Answer {
  std::string text;
  Json json;
  int exit_code = 0;
};

/// The error is a mistake in the arguments.
std::expected<Answer, std::string> run_probe(const Probing& probing);

std::string probe_text(const ProbeFacts& facts, const Judgement& judgement);
Json probe_json(const ProbeFacts& facts, const Judgement& judgement);

/// "192.0.2.1", "192.0.2.1:5353": a name server, port 53 if none is given.
std::expected<SocketAddress, std::string> parse_name_server(const std::string& text);
/// The name servers of /etc/resolv.conf.
std::vector<SocketAddress> system_name_servers();

}  // namespace postrider::control
