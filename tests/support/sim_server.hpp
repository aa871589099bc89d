// SPDX-License-Identifier: MIT
// A whole server in a simulated world: real configuration, real plugins, a real worker; the clock,
// the network, DNS and the disk are the script's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "orders.hpp"
#include "runtime/sim/sim_world.hpp"
#include "support/sim_store.hpp"
#include "support/sim_zone.hpp"
#include "worker.hpp"

namespace postrider::sim {

/// Where the server listens unless the script says otherwise.
inline constexpr std::string_view kServerAddress = "203.0.113.25:25";

/// [one thread] The server has the first loops of the world, everybody else the last.
class SimServer {
 public:
  /// `config` is TOML; tables that it does not name come from a small default. Throws Mismatch
  /// with every mistake of the configuration.
  SimServer(const std::vector<std::string>& config, const std::vector<std::string>& zone,
            unsigned loops = 1);
  SimServer(const SimServer&) = delete;
  SimServer& operator=(const SimServer&) = delete;
  ~SimServer();

  /// The process dies without a word.
  void stop() { running_.reset(); }
  /// Another begins with the same store.
  void start();
  /// What SIGTERM does to the sessions; goes on while the world turns.
  void drain();
  /// What the operator orders until further notice; a restart does not forget it.
  void obey(Orders orders);
  const Orders& orders() const noexcept { return orders_; }
  bool is_running() const noexcept { return running_ != nullptr; }

  runtime::SimWorld& world() noexcept { return world_; }
  runtime::Runtime& outside() noexcept { return world_.loop(loops_); }
  Zone& zone() noexcept { return zone_; }
  /// The queues of all loops.
  std::vector<queue::LoopQueue*> queues();
  /// All messages, in order of their ids.
  std::vector<queue::MessageView> messages();
  /// The octets of a message as they are stored.
  std::string content(const std::string& queue_id);
  /// Where clients connect to: the first listener.
  SocketAddress address() const { return running_->workers.front()->listening().front(); }
  /// All lines of the log so far.
  std::vector<std::string> log();

 private:
  struct Running {
    receive::SessionTable sessions;
    plugin::BlockingPool pool;
    std::shared_ptr<queue::Peers> peers;
    std::vector<std::unique_ptr<Worker>> workers;
  };

  const unsigned loops_;
  runtime::SimWorld world_;
  Zone zone_;
  SimStore store_;
  std::string log_file_;
  std::unique_ptr<log::DaemonLog> log_;
  ConfigurationPtr configuration_;
  Orders orders_;
  std::unique_ptr<Running> running_;
};

}  // namespace postrider::sim
