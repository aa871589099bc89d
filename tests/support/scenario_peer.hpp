// SPDX-License-Identifier: MIT
// A next hop from a script: answers SMTP as it is told, remembers what it got.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/sim/sim_world.hpp"
#include "runtime/task_set.hpp"

namespace postrider::sim {

/// What a peer does at one point; the first rule that fits is followed.
struct PeerRule {
  enum class Does : std::uint8_t { replies, stays_silent, drops };
  std::string at;     ///< GREETING, a verb, or END: the final dot
  std::string about;  ///< part of the command, "<full@example.net>"; empty: any
  bool once = false;
  Does does = Does::replies;
  std::string reply;  ///< "450 4.2.1 full"
};

/// [one thread] Listens on port 25 of its address, on the loop of the outside world.
class ScenarioPeer {
 public:
  struct Message {
    std::string sender;      ///< the argument of MAIL
    std::string recipients;  ///< accepted ones: "<a@b> <c@d>"
    std::string content;     ///< as it was on the wire, without the final dot
  };

  ScenarioPeer(runtime::SimWorld& world, runtime::Runtime& loop, IpAddress address);
  ScenarioPeer(const ScenarioPeer&) = delete;
  ScenarioPeer& operator=(const ScenarioPeer&) = delete;

  /// Replaces what it does: one sentence each (tests/scenarios/README.md). Throws Mismatch.
  void behave(const std::vector<std::string>& sentences);

  const std::vector<Message>& messages() const noexcept { return messages_; }
  /// When connections came, since the world began.
  const std::vector<TimePoint>& calls() const noexcept { return calls_; }

 private:
  struct Dialog;
  void follow(std::string_view sentence);
  void listen();
  static Task<void> serve(ScenarioPeer& peer, runtime::StreamPtr stream);
  static Task<bool> answer(ScenarioPeer& peer, Dialog& dialog, std::string at, std::string line);
  static Task<bool> take_content(ScenarioPeer& peer, Dialog& dialog);
  std::string usual_reply(Dialog& dialog, const std::string& at) const;
  void accepted(Dialog& dialog, const std::string& at, const std::string& line);
  const PeerRule* rule_for(const std::string& at, const std::string& line);

  runtime::SimWorld& world_;
  runtime::Runtime& loop_;
  SocketAddress address_;
  std::vector<PeerRule> rules_;
  std::vector<PeerRule> spent_;
  std::vector<std::string> offers_;
  std::vector<Message> messages_;
  std::vector<TimePoint> calls_;
  runtime::AcceptorPtr acceptor_;
  runtime::TaskSet tasks_;  // last: it uses all of the above
};

}  // namespace postrider::sim
