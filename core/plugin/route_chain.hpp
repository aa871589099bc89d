// SPDX-License-Identifier: MIT
// Where mail goes and who delivers it, as plugins decide: destinations, routes nested around the
// core's own search, transports, and the reports of outcome hooks.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "plugin/chains.hpp"
#include "plugin/hook_call.hpp"
#include "plugin/instance.hpp"

namespace postrider::plugin {

/// A transport that says nothing for so long has failed (its own limits should be far below).
inline constexpr Duration kTransportLimit = 10min;

/// [loop thread] Outlives the tasks it returns.
class RouteChain {
 public:
  explicit RouteChain(Loop& loop) : loop_(loop) {}
  void add(Instance& instance);

  /// As Chains::destination_for. A plugin that fails here answers by its on_error policy: with
  /// anything but "pass" the recipient gets a destination that only delays (never the wrong host).
  std::optional<Destination> destination_for(const Path& recipient);
  /// As Chains::route. A hook's time while it waits for `next` is not counted against its limit.
  Task<RouteResult> route(const Destination& destination, RouteNext lookup);
  Task<std::vector<Outcome>> transport(const std::string& transport, const QueuedMessage& message,
                                       std::span<const Recipient> recipients);
  Task<Reports> report(const QueuedMessage& message, std::span<const RecipientOutcome> outcomes);
  /// [may suspend] The route as the hook of `instance` gets it from `next` (the whole route if it
  /// has no route hook), but the task owns all it needs. It must be dropped before an instance
  /// goes.
  Task<RouteResult> route_inside(const Instance& instance, Destination destination,
                                 RouteNext lookup);
  bool finds_loops() const noexcept;
  bool has_outcome_hooks() const noexcept { return !reporters_.empty(); }
  bool reports_failures() const noexcept;
  Duration delay_notice() const noexcept;

 private:
  class Inner;
  Task<RouteResult> step(std::size_t index, const Destination& destination,
                         const RouteNext& lookup);
  Task<RouteResult> shadow_step(std::size_t index, const Destination& destination,
                                const RouteNext& lookup);
  static Task<RouteResult> go_in(RouteChain& chain, HookCall<RouteResult>& outer, std::size_t index,
                                 const Destination& destination, const RouteNext& lookup);
  Task<std::vector<Outcome>> deliver(Instance& instance, const QueuedMessage& message,
                                     std::span<const Recipient> recipients);
  Instance* find_transport(std::string_view id) const noexcept;

  Loop& loop_;
  std::vector<Instance*> routers_;
  std::vector<Instance*> transports_;
  std::vector<Instance*> reporters_;
};

}  // namespace postrider::plugin
