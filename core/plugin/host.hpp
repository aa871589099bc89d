// SPDX-License-Identifier: MIT
// What one plugin instance may ask of the daemon: the loop's services under the block's name.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <postrider/host.hpp>

#include "log/log.hpp"
#include "plugin/blocking_pool.hpp"
#include "runtime/runtime.hpp"
#include "runtime/task_set.hpp"

namespace postrider::plugin {

/// What a loop gives its plugins. All that is referred to outlives the plugins of the loop.
struct LoopParts {
  runtime::Runtime& runtime;
  Dns& dns;
  log::DaemonLog& log;
  BlockingPool& pool;
  std::string hostname;
  std::vector<std::string> local_domains;
  std::vector<SocketAddress> listeners;
  unsigned loop_index = 0;
  /// The core's own search for next hops.
  RouteNext lookup = {};
  /// The route of a destination that another loop owns, as the block of that id finds it there.
  /// Nothing: this loop owns it.
  std::function<std::optional<Task<RouteResult>>(const std::string& id, const Destination&)>
      elsewhere = {};
};

/// The chain that a plugin's host asks for destinations and routes.
struct HostRoutes {
  std::function<std::optional<Destination>(const Path&)> destination_for;
  std::function<Task<RouteResult>(Destination, RouteNext)> find;
};

/// [loop thread] One plugin block on one loop.
class PluginHost final : public Host {
 public:
  PluginHost(std::string id, const LoopParts& parts);
  const std::string& id() const noexcept override { return id_; }
  Loop& loop() noexcept override { return parts_.runtime; }
  Dns& dns() noexcept override { return parts_.dns; }
  Log& log() noexcept override { return *log_; }
  const std::string& hostname() const noexcept override { return parts_.hostname; }
  const std::vector<std::string>& local_domains() const noexcept override {
    return parts_.local_domains;
  }
  const std::vector<SocketAddress>& listeners() const noexcept override { return parts_.listeners; }
  unsigned loop_index() const noexcept override { return parts_.loop_index; }
  /// An exception that leaves the task is logged; it harms nobody else.
  void spawn(Task<void> task) override { tasks_.spawn(std::move(task)); }
  /// What `work` throws is thrown to the awaiter.
  Task<void> run_blocking(std::move_only_function<void()> work) override;

  Destination destination_for(const Path& recipient) override;
  Task<RouteResult> find_route(Destination destination) override;
  /// The same by the plugins of this loop, whoever owns the destination.
  Task<RouteResult> find_route_here(Destination destination);
  std::vector<IpAddress> local_addresses() override;

  void offer_keyword(std::string line) override {
    keywords_.push_back(printable(line, kMaxKeyword));
  }
  const std::vector<std::string>& keywords() const noexcept { return keywords_; }

  /// The block is in its chain: from now on routes go through it.
  void join_chain(HostRoutes routes) { routes_ = std::move(routes); }
  /// Drop every spawned task: before the plugin goes.
  void cancel_tasks() noexcept { tasks_.cancel_all(); }

 private:
  const std::string id_;
  const LoopParts parts_;
  const std::unique_ptr<Log> log_;
  static constexpr std::size_t kMaxKeyword = 64;
  HostRoutes routes_;
  std::vector<std::string> keywords_;
  runtime::TaskSet tasks_;
};

}  // namespace postrider::plugin
