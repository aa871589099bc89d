// SPDX-License-Identifier: MIT
// One loop with all that runs on it: resolver, plugins, queue, couriers, listeners. Between workers
// only values travel. Works over any Runtime: production gives it libuv's, scenarios a simulated
// one.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <postrider/dns.hpp>

#include "configuration.hpp"
#include "deliver/couriers.hpp"
#include "log/log.hpp"
#include "plugin/blocking_pool.hpp"
#include "queue/loop_queue.hpp"
#include "queue/peers.hpp"
#include "receive/listener.hpp"
#include "route/mx_lookup.hpp"
#include "runtime/runtime.hpp"
#include "runtime/task_set.hpp"
#include "store/store.hpp"

namespace postrider {

class Worker;

/// What all workers share; everything in it may be used by any thread.
struct Shared {
  store::Store& store;
  log::DaemonLog& log;
  receive::SessionTable& sessions;
  plugin::BlockingPool& pool;
  std::shared_ptr<queue::Peers> peers;
  /// By index; complete before any loop runs. Of the others only runtime() and tasks() may be used.
  const std::vector<std::unique_ptr<Worker>>& workers;
};

using StartResult = std::expected<void, std::vector<std::string>>;

/// [loop thread] but for construction and destruction, while no loop runs.
class Worker {
 public:
  Worker(unsigned index, runtime::Runtime& runtime, std::unique_ptr<Dns> dns, Shared shared,
         ConfigurationPtr configuration);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker();

  /// Build and start the plugins of the configuration. The error names those that did not start.
  Task<StartResult> start();
  /// Open every endpoint of the configuration.
  StartResult listen();
  /// Build and start the plugins of a new configuration beside those in force; nothing changes yet.
  Task<StartResult> prepare(ConfigurationPtr configuration);
  /// Put what prepare() made in force for new sessions and attempts, or drop it; always true.
  Task<bool> finish_reload(bool in_force);
  /// What the operator closes: destinations by `gate`, and the door: `refusal` is what clients are
  /// told, nothing lets them in.
  void obey(queue::GatePtr gate, std::optional<Reply> refusal);
  /// Stop taking mail, finish what is under way within `limit`, then stop.
  Task<bool> drain(Duration limit);
  void reopen() noexcept;

  runtime::Runtime& runtime() noexcept { return runtime_; }
  /// What logs and operators call this loop: its number.
  std::string name() const { return std::to_string(index_); }
  /// Tasks that others ask this worker to run; they die with it.
  runtime::TaskSet& tasks() noexcept { return tasks_; }
  queue::LoopQueue& queue() noexcept { return queue_; }
  plugin::PluginSet& plugins() noexcept { return *plugins_; }
  Dns& dns() noexcept { return *dns_; }
  const std::vector<SocketAddress>& listening() const noexcept { return listening_; }

 private:
  Task<std::expected<std::shared_ptr<plugin::PluginSet>, std::vector<std::string>>> build(
      ConfigurationPtr configuration);
  receive::Services services();
  /// The route of a destination as the plugin `id` of the loop that owns it finds it: what one loop
  /// keeps serves all, and one name is asked for by one loop only. Nothing: this loop owns it.
  std::optional<Task<RouteResult>> find_elsewhere(const std::string& id,
                                                  const Destination& destination);
  static Task<RouteResult> ask_owner(runtime::Runtime& here, Worker& owner, std::string id,
                                     Destination destination);
  static Task<RouteResult> answer(Worker& owner, std::string id, Destination destination);
  Task<bool> finish_sessions();

  const unsigned index_;
  runtime::Runtime& runtime_;
  Shared shared_;
  ConfigurationPtr configuration_;
  std::unique_ptr<Dns> dns_;
  route::MxLookup lookup_;  // for plugins that look for routes beside the couriers
  std::shared_ptr<plugin::PluginSet> plugins_;
  std::shared_ptr<plugin::PluginSet> next_plugins_;  // from prepare() to finish_reload()
  ConfigurationPtr next_configuration_;
  queue::LoopQueue queue_;
  std::optional<deliver::Couriers> couriers_;  // from start() on
  receive::Listener listener_;
  std::vector<SocketAddress> listening_;
  runtime::TaskSet tasks_;  // last: what is asked here uses all of the above
};

}  // namespace postrider
