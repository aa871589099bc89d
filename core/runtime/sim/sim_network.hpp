// SPDX-License-Identifier: MIT
// The network of a simulated world: who listens where, and what happens to a connection attempt.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "runtime/sim/sim_world.hpp"

namespace postrider::runtime {

/// One listener. Connections wait in its backlog until its loop takes them.
struct SimListener {
  Runtime& loop;
  SocketAddress address;
  OnAccept on_accept;
  std::deque<StreamPtr> backlog;
  bool paused = false;
  bool closed = false;
};
using SimListenerPtr = std::shared_ptr<SimListener>;

class SimNetwork {
 public:
  /// A socket address, or the path of a Unix socket.
  using Place = std::variant<SocketAddress, std::string>;

  explicit SimNetwork(SimWorld& world) noexcept : world_(world) {}

  IoResult<AcceptorPtr> listen(Runtime& loop, Place place, OnAccept on_accept);
  Task<IoResult<StreamPtr>> connect(Runtime& from, Place target, IpAddress source);
  void forget(const SimListener& listener) noexcept;
  void set_latency(Duration latency) noexcept { latency_ = latency; }
  void set_fault(const SocketAddress& target, const SimFault& fault) { faults_[target] = fault; }

 private:
  SimFault fault_of(const Place& target) const;
  SimListenerPtr find(const Place& target);
  StreamPtr open(Runtime& from, SimListenerPtr listener, const Place& target, IpAddress source,
                 const SimFault& fault);
  std::uint16_t next_port() noexcept;

  SimWorld& world_;
  Duration latency_ = 1ms;
  std::uint16_t last_port_ = 40000;
  std::map<Place, std::vector<SimListenerPtr>> listeners_;
  std::map<SocketAddress, SimFault> faults_;
};

}  // namespace postrider::runtime
