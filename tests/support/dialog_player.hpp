// SPDX-License-Identifier: MIT
// Plays a *.smtp dialog against a whole server and stops at the first line that differs
// (tests/dialogs/README.md is the language).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "support/sim_client.hpp"
#include "support/sim_server.hpp"
#include "support/sim_text.hpp"

namespace postrider::sim {

/// [one thread]
class DialogPlayer {
 public:
  explicit DialogPlayer(std::vector<Step> steps);
  /// Throws Mismatch with what was expected and what came; line() says where.
  void play();
  std::size_t line() const noexcept { return line_; }
  /// All that was said so far, one line each.
  const std::string& transcript() const noexcept { return transcript_; }

 private:
  void set_up();
  bool is_setting(const Step& step);
  void perform(const Step& step);
  bool perform_dialog(std::string_view text);
  void set_mode(std::string_view name);
  bool repeat(std::string_view rest);
  void client_says(const std::string& who, std::string_view text);
  void server_says(const std::string& who, std::string_view pattern);
  void send_pending();
  void expect_nothing_more();
  SimClient& client(const std::string& who);
  void expect_queue(std::string_view rest);
  void expect_log(std::string_view pattern, bool wanted);
  void expect_header(std::string_view pattern);
  void expect_body(std::string_view pattern);
  std::string last_message();
  void note(std::string_view who, std::string_view text);

  std::vector<Step> steps_;
  std::vector<std::string> config_;
  std::vector<std::string> zone_;
  IpAddress address_ = IpAddress::parse("192.0.2.1").value();
  std::unique_ptr<SimServer> server_;
  std::map<std::string, std::unique_ptr<SimClient>> clients_;  // by what follows "C"
  std::string speaker_;
  std::string pending_;  // what the client says in one segment
  std::size_t line_ = 0;
  std::string transcript_;
};

}  // namespace postrider::sim
