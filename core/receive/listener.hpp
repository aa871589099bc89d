// SPDX-License-Identifier: MIT
// Accepts clients on one loop, within the limits on sessions, and owns their sessions until they
// end. Reload gives new sessions new services; running ones keep theirs.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "receive/session.hpp"
#include "runtime/task_set.hpp"

namespace postrider::receive {

/// Where to listen.
struct Endpoint {
  SocketAddress address;
  bool lmtp = false;
};

/// [loop thread]
class Listener {
 public:
  /// `services` is asked at each accept: it holds the configuration in force.
  Listener(runtime::Runtime& runtime, std::function<Services()> services, unsigned loop_index);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();

  /// Open one endpoint; the error names it.
  std::expected<SocketAddress, std::string> open(const Endpoint& endpoint);
  /// From now on answer new clients with `reply` (421 and why) and nothing else, and end the
  /// sessions there are with the same words; nothing takes new clients again.
  void turn_away(std::optional<Reply> reply);
  /// Stop accepting and tell the clients; sessions in a transaction finish it.
  void drain();
  /// Done when no session is left.
  Task<void> join() { return tasks_.join(); }
  std::size_t sessions() const noexcept { return sessions_.size(); }

 private:
  void accept(runtime::StreamPtr stream, bool lmtp);
  Task<void> serve(Services services, runtime::StreamPtr stream, bool lmtp);
  static Task<void> answer(runtime::Runtime& runtime, runtime::StreamPtr stream, std::string reply);

  runtime::Runtime& runtime_;
  std::function<Services()> services_;
  unsigned loop_index_;
  std::uint64_t next_session_ = 0;
  std::optional<Reply> refusal_;  ///< of all clients; nothing: they may come
  bool is_draining_ = false;
  std::vector<runtime::AcceptorPtr> acceptors_;
  std::list<ServerSession*> sessions_;
  runtime::TaskSet tasks_;  // last: its sessions use all of the above
};

}  // namespace postrider::receive
