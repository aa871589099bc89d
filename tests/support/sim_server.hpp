// SPDX-License-Identifier: MIT
// A whole server in a simulated world: real configuration, real plugins, a real worker; the clock,
// the network, DNS and the disk are the script's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/sim/sim_world.hpp"
#include "support/sim_store.hpp"
#include "support/sim_zone.hpp"
#include "worker.hpp"

namespace postrider::sim {

/// Where the server listens unless the script says otherwise.
inline constexpr std::string_view kServerAddress = "203.0.113.25:25";

/// [one thread] The server runs on loop 0 of the world, everybody else on loop 1.
class SimServer {
 public:
  /// `config` is TOML; tables that it does not name come from a small default. Throws Mismatch
  /// with every mistake of the configuration.
  SimServer(const std::vector<std::string>& config, const std::vector<std::string>& zone);
  SimServer(const SimServer&) = delete;
  SimServer& operator=(const SimServer&) = delete;
  ~SimServer();

  /// The process dies without a word and another begins with the same store.
  void restart();

  runtime::SimWorld& world() noexcept { return world_; }
  runtime::Runtime& outside() noexcept { return world_.loop(1); }
  Zone& zone() noexcept { return zone_; }
  queue::LoopQueue& queue() noexcept { return running_->worker->queue(); }
  /// All messages.
  std::vector<queue::MessageView> messages();
  /// The octets of a message as they are stored.
  std::string content(const std::string& queue_id);
  /// Where clients connect to: the first listener.
  SocketAddress address() const { return running_->worker->listening().front(); }
  /// All lines of the log so far.
  std::vector<std::string> log();

 private:
  struct Running {
    receive::SessionTable sessions;
    plugin::BlockingPool pool;
    std::shared_ptr<queue::Peers> peers;
    std::unique_ptr<Worker> worker;
  };
  void start();

  runtime::SimWorld world_;
  Zone zone_;
  SimStore store_;
  std::string log_file_;
  std::unique_ptr<log::DaemonLog> log_;
  ConfigurationPtr configuration_;
  std::unique_ptr<Running> running_;
};

}  // namespace postrider::sim
