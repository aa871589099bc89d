// SPDX-License-Identifier: MIT
// The instances of one loop: made, started, asked, drained.
#include "plugin/plugin_set.hpp"

#include <fmt/format.h>

namespace postrider::plugin {
namespace {

constexpr Duration kStartLimit = 60s;
constexpr Duration kDrainLimit = 30s;

}  // namespace

PluginSet::PluginSet(Loop& loop)
    : loop_(loop),
      connect_(loop, HookKind::connect),
      helo_(loop, HookKind::helo),
      mail_(loop, HookKind::mail),
      rcpt_(loop, HookKind::rcpt),
      data_(loop, HookKind::data),
      message_(loop, HookKind::message),
      attempt_(loop, HookKind::attempt),
      routes_(loop) {}

PluginSet::~PluginSet() {
  // Routes that plugins look for beside any call run through the hooks of others.
  for (const auto& instance : instances_) instance->host().cancel_tasks();
  // Last made, first gone: a plugin may use what an earlier one offers.
  while (!instances_.empty()) instances_.pop_back();
}

void PluginSet::add(std::unique_ptr<Instance> instance) {
  Instance& added = *instances_.emplace_back(std::move(instance));
  const HookTable& hooks = added.hooks();
  if (hooks.connect) connect_.add(added);
  if (hooks.helo) helo_.add(added);
  if (hooks.mail) mail_.add(added);
  if (hooks.rcpt) rcpt_.add(added);
  if (hooks.data) data_.add(added);
  if (hooks.message) message_.add(added);
  if (hooks.attempt) attempt_.add(added);
  if (hooks.observer) fan_.add(added);
  routes_.add(added);
  added.host().join_chain(
      {.destination_for = [this](const Path& path) { return routes_.destination_for(path); },
       .find =
           [this, &added](Destination destination, RouteNext lookup) {
             return routes_.route_inside(added, std::move(destination), std::move(lookup));
           }});
}

std::expected<std::shared_ptr<PluginSet>, std::vector<std::string>> make_plugins(
    const PreparedPlugins& prepared, const LoopParts& parts) {
  std::shared_ptr<PluginSet> set(new PluginSet(parts.runtime));
  std::vector<std::string> errors;
  for (const PreparedPlugin& plugin : prepared) {
    try {
      set->add(
          std::make_unique<Instance>(plugin.block, *plugin.entry, plugin.settings.get(), parts));
    } catch (...) {
      errors.push_back(fmt::format("plugin {} cannot be constructed: {}", plugin.block.id,
                                   fault_text(std::current_exception())));
    }
  }
  if (!errors.empty()) return std::unexpected(std::move(errors));
  return set;
}

Task<std::expected<void, std::vector<std::string>>> PluginSet::start() {
  using Started = std::expected<void, std::string>;
  std::vector<std::string> errors;
  for (const auto& instance : instances_) {
    LifecycleHook* const hook = instance->hooks().lifecycle;
    if (!hook) continue;
    Ended<Started> ended;
    HookCall<Started> call(loop_, kStartLimit, instance->name(HookKind::lifecycle));
    if (auto task =
            enter(ended, instance->name(HookKind::lifecycle), [&] { return hook->on_start(); })) {
      call.set_task(std::move(*task));
      ended = co_await call;
    }
    instance->spent(HookKind::lifecycle, call.total(), call.held());
    if (ended.value && *ended.value) continue;
    const std::string reason = ended.value ? ended.value->error() : ended.reason;
    errors.push_back(fmt::format("plugin {} does not start: {}", instance->id(), reason));
  }
  if (!errors.empty()) co_return std::unexpected(std::move(errors));
  co_return std::expected<void, std::vector<std::string>>();
}

Task<void> PluginSet::drain() {
  for (const auto& instance : instances_) {
    if (!instance->hooks().lifecycle) continue;
    std::string reason;
    try {
      auto limited = within(loop_, kDrainLimit, instance->hooks().lifecycle->on_drain());
      const bool finished = co_await limited;
      if (!finished) reason = "no answer in time";
    } catch (...) {
      reason = fault_text(std::current_exception());
    }
    if (!reason.empty()) instance->failed(HookKind::lifecycle, Fault::threw, reason, loop_.now());
  }
}

void PluginSet::reopen() noexcept {
  for (const auto& instance : instances_)
    if (LifecycleHook* const hook = instance->hooks().lifecycle) hook->on_reopen();
}

std::optional<std::string> PluginSet::command(std::span<const std::string_view> words) {
  for (const auto& instance : instances_) {
    LifecycleHook* const hook = instance->hooks().lifecycle;
    if (!hook) continue;
    try {
      const runtime::InHook here(instance->name(HookKind::lifecycle));
      if (auto answer = hook->on_command(words)) return answer;
    } catch (...) {
      instance->failed(HookKind::lifecycle, Fault::threw, fault_text(std::current_exception()),
                       loop_.now());
      return fmt::format(R"({{"error": "plugin {} failed; see the log"}})", instance->id());
    }
  }
  return std::nullopt;
}

Task<Verdict> PluginSet::connect(Session& session) {
  return connect_.judge({&session});
}
Task<Verdict> PluginSet::helo(Session& session) {
  return helo_.judge({&session});
}
Task<Verdict> PluginSet::mail(Session& session, Transaction& transaction) {
  return mail_.judge({&session, &transaction});
}
Task<Verdict> PluginSet::rcpt(Session& session, Transaction& transaction, Recipient& recipient) {
  return rcpt_.judge({&session, &transaction, &recipient});
}
Task<Verdict> PluginSet::data(Session& session, Transaction& transaction) {
  return data_.judge({&session, &transaction});
}
Task<Verdict> PluginSet::message(Session& session, Transaction& transaction, Message& message) {
  return message_.judge({&session, &transaction, nullptr, &message});
}

Task<Verdict> PluginSet::peer(const Destination& destination, const Peer& peer) {
  return attempt_.judge({.destination = &destination, .peer = &peer});
}

std::vector<std::string> PluginSet::keywords() const {
  std::vector<std::string> all;
  for (const auto& instance : instances_) {
    if (instance->is_shadow()) continue;
    const auto& own = instance->host().keywords();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

Task<RouteResult> PluginSet::find_route(std::string_view id, Destination destination) {
  for (const auto& instance : instances_)
    if (instance->id() == id) return instance->host().find_route_here(std::move(destination));
  return RouteResult(std::unexpected(RouteRefusal(Reply("451 4.3.0 Routes are not known yet"))));
}
std::optional<Destination> PluginSet::destination_for(const Path& recipient) {
  return routes_.destination_for(recipient);
}
Task<RouteResult> PluginSet::route(const Destination& destination, RouteNext lookup) {
  return routes_.route(destination, std::move(lookup));
}
Task<std::vector<Outcome>> PluginSet::transport(const std::string& transport,
                                                const QueuedMessage& message,
                                                std::span<const Recipient> recipients) {
  return routes_.transport(transport, message, recipients);
}
Task<std::vector<Report>> PluginSet::outcome(const QueuedMessage& message,
                                             std::span<const RecipientOutcome> outcomes) {
  Reports all = co_await routes_.report(message, outcomes);
  co_return std::move(all.reports);
}
Task<Reports> PluginSet::report(const QueuedMessage& message,
                                std::span<const RecipientOutcome> outcomes) {
  return routes_.report(message, outcomes);
}

}  // namespace postrider::plugin
