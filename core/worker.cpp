// SPDX-License-Identifier: MIT
#include "worker.hpp"

#include <utility>

#include "queue/destination.hpp"
#include "runtime/ask.hpp"

namespace postrider {

Worker::Worker(unsigned index, runtime::Runtime& runtime, std::unique_ptr<Dns> dns, Shared shared,
               ConfigurationPtr configuration)
    : index_(index),
      runtime_(runtime),
      shared_(std::move(shared)),
      configuration_(std::move(configuration)),
      dns_(std::move(dns)),
      lookup_(*dns_, runtime_, configuration_->deliver.route),
      queue_({.runtime = runtime_,
              .store = shared_.store,
              .log = shared_.log,
              .peers = shared_.peers,
              .loop = index_,
              .chains = [this]() -> plugin::ChainsPtr { return plugins_; },
              .options = configuration_->queue_options(index_)}),
      listener_(
          runtime_, [this] { return services(); }, index_),
      tasks_(runtime_) {}

Worker::~Worker() = default;

receive::Services Worker::services() {
  return {.runtime = runtime_,
          .queue = queue_,
          .table = shared_.sessions,
          .log = shared_.log,
          .options = configuration_->receive,
          .policy = configuration_->policy,
          .chains = plugins_};
}

Task<std::expected<std::shared_ptr<plugin::PluginSet>, std::vector<std::string>>> Worker::build(
    ConfigurationPtr configuration) {
  std::vector<SocketAddress> listeners;
  for (const receive::Endpoint& endpoint : configuration->endpoints)
    listeners.push_back(endpoint.address);
  const plugin::LoopParts parts{.runtime = runtime_,
                                .dns = *dns_,
                                .log = shared_.log,
                                .pool = shared_.pool,
                                .hostname = configuration->settings.hostname,
                                .local_domains = configuration->settings.local.domains,
                                .listeners = std::move(listeners),
                                .loop_index = index_,
                                .lookup =
                                    [this](const Destination& destination) {
                                      const bool keep = plugins_ && plugins_->finds_loops();
                                      return lookup_.find(destination, keep);
                                    },
                                .elsewhere =
                                    [this](const std::string& id, const Destination& destination) {
                                      return find_elsewhere(id, destination);
                                    }};
  auto made = plugin::make_plugins(configuration->plugins, parts);
  if (!made) co_return std::unexpected(made.error());
  auto started = co_await (*made)->start();
  if (!started) co_return std::unexpected(started.error());
  co_return std::move(*made);
}

std::optional<Task<RouteResult>> Worker::find_elsewhere(const std::string& id,
                                                        const Destination& destination) {
  const unsigned owner = queue::loop_of(destination, shared_.peers->loops());
  if (owner == index_) return std::nullopt;
  return ask_owner(runtime_, *shared_.workers[owner], id, destination);
}

Task<RouteResult> Worker::ask_owner(runtime::Runtime& here, Worker& owner, std::string id,
                                    Destination destination) {
  auto asked = runtime::ask<RouteResult>(
      here, owner.runtime(), owner.tasks(),
      [&owner, id, destination] { return answer(owner, id, destination); });
  RouteResult found = co_await asked;
  co_return found;
}

Task<RouteResult> Worker::answer(Worker& owner, std::string id, Destination destination) {
  const auto plugins = owner.plugins_;  // held: a reload may replace them meanwhile
  if (!plugins)
    co_return std::unexpected(RouteRefusal(Reply("451 4.3.0 Routes are not known yet")));
  RouteResult found = co_await plugins->find_route(id, std::move(destination));
  co_return found;
}

Task<StartResult> Worker::start() {
  auto built = co_await build(configuration_);
  if (!built) co_return std::unexpected(built.error());
  plugins_ = std::move(*built);
  couriers_.emplace(
      runtime_, *dns_, queue_, [this]() -> plugin::ChainsPtr { return plugins_; },
      configuration_->deliver, shared_.log);
  co_return StartResult{};
}

StartResult Worker::listen() {
  std::vector<std::string> errors;
  for (const receive::Endpoint& endpoint : configuration_->endpoints) {
    const auto opened = listener_.open(endpoint);
    if (opened)
      listening_.push_back(*opened);
    else
      errors.push_back(opened.error());
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return {};
}

Task<StartResult> Worker::prepare(ConfigurationPtr configuration) {
  auto built = co_await build(configuration);
  if (!built) co_return std::unexpected(built.error());
  next_plugins_ = std::move(*built);
  next_configuration_ = std::move(configuration);
  co_return StartResult{};
}

Task<bool> Worker::finish_reload(bool in_force) {
  if (in_force) {
    // Sessions and attempts under way keep the former plugins until they end.
    plugins_ = std::move(next_plugins_);
    configuration_ = std::move(next_configuration_);
    couriers_->set_options(configuration_->deliver);
    queue_.set_rules(configuration_->rules);
  }
  next_plugins_.reset();
  next_configuration_.reset();
  return Task<bool>(true);
}

Task<bool> Worker::finish_sessions() {
  // From now on, not when the slowest client has gone: attempts under way need their time too.
  auto couriers_left = couriers_->drain();
  co_await listener_.join();
  co_await couriers_left;
  while (!queue_.is_settled()) co_await sleep_for(runtime_, 5ms);
  co_return true;
}

Task<bool> Worker::drain(Duration limit) {
  listener_.drain();
  // Held, because a reload under way may still replace them.
  const auto plugins = plugins_;
  if (plugins) co_await plugins->drain();
  const auto finished = co_await within(runtime_, limit, finish_sessions());
  co_return finished.has_value();
}

void Worker::obey(queue::GatePtr gate, std::optional<Reply> refusal) {
  queue_.set_gate(std::move(gate));
  listener_.turn_away(std::move(refusal));
}

void Worker::reopen() noexcept {
  if (plugins_) plugins_->reopen();
}

}  // namespace postrider
