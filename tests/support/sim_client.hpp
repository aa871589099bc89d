// SPDX-License-Identifier: MIT
// A client that is driven step by step from outside the loop: send, wait for a line, hang up.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtime/sim/sim_world.hpp"
#include "runtime/task_set.hpp"

namespace postrider::sim {

/// [one thread] Each call turns the world; virtual time passes.
class SimClient {
 public:
  /// Connects; throws Mismatch if nobody takes the connection.
  SimClient(runtime::SimWorld& world, runtime::Runtime& loop, SocketAddress server,
            IpAddress client);

  /// Octets as they are, in one piece. What the server no longer takes is lost silently.
  void send(std::string octets);
  /// The next line without its line end; nothing if none comes within `limit`, or none any more.
  std::optional<std::string> line(Duration limit);
  /// Whether the server closes within `limit`, without another line.
  bool is_closed(Duration limit);
  /// What came and was not taken by line().
  const std::string& unread() const noexcept { return received_; }
  void hang_up();
  bool was_hung_up() const noexcept { return hung_up_; }

 private:
  static Task<void> receive(SimClient& client);

  runtime::SimWorld& world_;
  std::string received_;
  bool ended_ = false;
  bool hung_up_ = false;
  runtime::StreamPtr stream_;
  runtime::TaskSet tasks_;  // last: it reads from the stream
};

}  // namespace postrider::sim
