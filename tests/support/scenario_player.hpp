// SPDX-License-Identifier: MIT
// Plays a *.scn scenario: mail through a whole server to scripted peers, over days of virtual time
// (tests/scenarios/README.md is the language).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/scenario_peer.hpp"
#include "support/sim_server.hpp"
#include "support/sim_text.hpp"

namespace postrider::sim {

/// [one thread]
class ScenarioPlayer {
 public:
  /// The server has so many loops.
  ScenarioPlayer(std::vector<Step> steps, unsigned loops);
  /// Throws Mismatch with what was expected and what is; line() says where.
  void play();
  std::size_t line() const noexcept { return line_; }
  /// The steps so far with their times, the queue and the log.
  std::string report();

 private:
  bool perform(const Step& step);
  bool perform_on_server(std::string_view text);
  void peer(const Step& step, std::string_view rest);
  void peer_has(const ScenarioPeer& peer, std::string_view rest);
  void peer_was_called(const ScenarioPeer& peer, std::string_view rest);
  void peer_got(const ScenarioPeer& peer, std::string_view rest);
  void mail(const Step& step, std::string_view rest);
  void queue_has(std::string_view rest);
  void recipient(std::string_view rest);
  void recipient_facts(const queue::RecipientView& view, std::string_view rest);
  void change(std::string_view verb, std::string_view rest);
  void order(std::string_view verb, std::string_view name);
  void dns_counts(std::string_view rest);
  void log_has(std::string_view pattern);
  std::vector<queue::RecipientView> find(const std::string& address);

  std::vector<Step> steps_;
  const unsigned loops_;
  std::unique_ptr<SimServer> server_;
  std::map<std::string, std::unique_ptr<ScenarioPeer>> peers_;  // by address
  std::string last_letter_;
  std::size_t line_ = 0;
  std::string history_;
};

}  // namespace postrider::sim
