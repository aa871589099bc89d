// SPDX-License-Identifier: MIT
// Delivery and reports by plugins: the rest of RouteChain.
#include <utility>

#include <fmt/format.h>

#include "plugin/route_chain.hpp"

namespace postrider::plugin {
namespace {

std::vector<Outcome> all_delayed(std::size_t count, EnhancedStatus status, std::string text) {
  Outcome outcome;
  outcome.action = Action::delayed;
  outcome.status = status;
  outcome.phase = Phase::transport;
  outcome.text = std::move(text);
  return std::vector<Outcome>(count, outcome);
}

std::string malformation(const std::vector<Outcome>& outcomes, std::size_t count) {
  if (outcomes.size() != count)
    return fmt::format("{} outcomes for {} recipients", outcomes.size(), count);
  for (const Outcome& outcome : outcomes)
    if (outcome.action != Action::delivered && outcome.action != Action::delayed &&
        outcome.action != Action::failed && outcome.action != Action::relayed)
      return "an outcome without a known action";
  return {};
}

/// Make each outcome fit for logs and reports.
void complete(std::vector<Outcome>& outcomes) {
  for (Outcome& outcome : outcomes) {
    const std::uint8_t klass = outcome.action == Action::delayed  ? 4
                               : outcome.action == Action::failed ? 5
                                                                  : 2;
    if (outcome.status.klass != klass) outcome.status = {klass, 0, 0};
    outcome.text = printable(outcome.text);
  }
}

}  // namespace

Task<std::vector<Outcome>> RouteChain::transport(const std::string& transport,
                                                 const QueuedMessage& message,
                                                 std::span<const Recipient> recipients) {
  if (Instance* instance = find_transport(transport))
    return deliver(*instance, message, recipients);
  return all_delayed(recipients.size(), {4, 3, 5},
                     fmt::format("no plugin delivers by \"{}\" now", transport));
}

Task<std::vector<Outcome>> RouteChain::deliver(Instance& instance, const QueuedMessage& message,
                                               std::span<const Recipient> recipients) {
  if (instance.is_bypassed(loop_.now()))
    co_return all_delayed(recipients.size(), {4, 3, 0},
                          fmt::format("plugin {} failed too often; it rests", instance.id()));
  Ended<std::vector<Outcome>> ended;
  HookCall<std::vector<Outcome>> call(loop_, kTransportLimit, instance.name(HookKind::transport));
  if (auto task = enter(ended, instance.name(HookKind::transport),
                        [&] { return instance.hooks().transport->deliver(message, recipients); })) {
    call.set_task(std::move(*task));
    ended = co_await call;
  }
  instance.spent(HookKind::transport, call.total(), call.held());
  if (ended.value) {
    ended.reason = malformation(*ended.value, recipients.size());
    if (!ended.reason.empty()) ended.fault = Fault::malformed;
  }
  if (ended.fault == Fault::none) {
    instance.succeeded();
    complete(*ended.value);
    co_return std::move(*ended.value);
  }
  instance.failed(HookKind::transport, ended.fault, ended.reason, loop_.now());
  co_return all_delayed(
      recipients.size(), {4, 3, 0},
      fmt::format("plugin {} failed: {}", instance.id(), printable(ended.reason)));
}

bool RouteChain::reports_failures() const noexcept {
  for (const Instance* instance : reporters_)
    if (!instance->is_shadow() && instance->hooks().outcome->reports_failures()) return true;
  return false;
}

Duration RouteChain::delay_notice() const noexcept {
  Duration shortest{};
  for (const Instance* instance : reporters_) {
    if (instance->is_shadow()) continue;
    const Duration notice = instance->hooks().outcome->delay_notice();
    if (notice > Duration() && (shortest == Duration() || notice < shortest)) shortest = notice;
  }
  return shortest;
}

Task<Reports> RouteChain::report(const QueuedMessage& message,
                                 std::span<const RecipientOutcome> outcomes) {
  Reports all;
  for (Instance* instance : reporters_) {
    const bool counts = !instance->is_shadow() && instance->hooks().outcome->reports_failures();
    if (instance->is_bypassed(loop_.now())) {
      if (counts) all.is_complete = false;
      continue;
    }
    Ended<std::vector<Report>> ended;
    HookCall<std::vector<Report>> call(loop_, instance->block().hook_timeout,
                                       instance->name(HookKind::outcome));
    if (auto task = enter(ended, instance->name(HookKind::outcome), [&] {
          return instance->hooks().outcome->on_outcome(message, outcomes);
        })) {
      call.set_task(std::move(*task));
      ended = co_await call;
    }
    instance->spent(HookKind::outcome, call.total(), call.held());
    if (!ended.value) {
      instance->failed(HookKind::outcome, ended.fault, ended.reason, loop_.now());
      if (counts) all.is_complete = false;
      continue;
    }
    instance->succeeded();
    if (instance->is_shadow()) continue;
    for (Report& report : *ended.value) all.reports.push_back(std::move(report));
  }
  co_return all;
}

}  // namespace postrider::plugin
