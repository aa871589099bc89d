// SPDX-License-Identifier: MIT
// Destinations and routes by plugins.
#include "plugin/route_chain.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace postrider::plugin {
namespace {

std::string malformation(const RouteResult& result) {
  if (!result) {
    const int code = result.error().code;
    return code >= 400 && code <= 599 ? "" : "a refusal without a 4yz or 5yz reply";
  }
  if (result->hops.empty()) return "a route without hops";
  for (const Hop& hop : result->hops)
    if (hop.addresses.empty()) return "a hop without addresses";
  return {};
}

bool agree(const RouteResult& a, const RouteResult& b) {
  if (a.has_value() != b.has_value()) return false;
  if (!a) return a.error() == b.error();
  return std::ranges::equal(a->hops, b->hops, [](const Hop& x, const Hop& y) {
    return x.name == y.name && x.preference == y.preference && x.port == y.port &&
           x.addresses == y.addresses;
  });
}

RouteResult refusal(FailurePolicy policy) {
  if (policy == FailurePolicy::reject)
    return std::unexpected(Reply("554 5.3.0 Local routing policy failed"));
  return std::unexpected(Reply("451 4.3.0 Local routing policy failed, will try again"));
}

/// Turns a malformed answer into a fault; counts and logs faults. True: `ended.value` is good.
bool settle(Instance& instance, Ended<RouteResult>& ended, TimePoint now) {
  if (ended.value) {
    ended.reason = malformation(*ended.value);
    if (ended.reason.empty()) {
      instance.succeeded();
      if (!*ended.value) ++instance.counter(HookKind::route).refusals;
      return true;
    }
    ended.fault = Fault::malformed;
  }
  instance.failed(HookKind::route, ended.fault, ended.reason, now);
  return false;
}

/// Stops a hook's clock as long as it lives.
class Pause {
 public:
  explicit Pause(HookCall<RouteResult>& call) : call_(call) { call_.pause(); }
  Pause(const Pause&) = delete;
  Pause& operator=(const Pause&) = delete;
  ~Pause() { call_.resume(); }

 private:
  HookCall<RouteResult>& call_;
};

}  // namespace

/// What a hook gets as `next`.
class RouteChain::Inner {
 public:
  Inner(RouteChain& chain, HookCall<RouteResult>& outer, std::size_t index, const RouteNext& lookup)
      : chain_(&chain), outer_(&outer), index_(index), lookup_(&lookup) {}
  Task<RouteResult> operator()(const Destination& destination) const {
    return go_in(*chain_, *outer_, index_, destination, *lookup_);
  }

 private:
  RouteChain* chain_;
  HookCall<RouteResult>* outer_;
  std::size_t index_;
  const RouteNext* lookup_;
};

void RouteChain::add(Instance& instance) {
  if (instance.hooks().route) routers_.push_back(&instance);
  if (instance.hooks().transport && !instance.is_shadow()) transports_.push_back(&instance);
  if (instance.hooks().outcome) reporters_.push_back(&instance);
}

std::optional<Destination> RouteChain::destination_for(const Path& recipient) {
  for (Instance* instance : routers_) {
    if (instance->is_shadow()) continue;
    std::string reason;
    try {
      const runtime::InHook here(instance->name(HookKind::route));
      auto destination = instance->hooks().route->destination_for(recipient);
      if (!destination) continue;
      const bool known = destination->transport == "smtp" || find_transport(destination->transport);
      if (known && !destination->name.empty()) return destination;
      reason = known ? "a destination without a name" : "a destination of an unknown transport";
    } catch (...) {
      reason = fault_text(std::current_exception());
    }
    instance->failed(HookKind::route, Fault::threw, reason, loop_.now());
    if (instance->policy(Fault::threw) == FailurePolicy::pass) continue;
    return Destination{.transport = "failed-" + instance->id(), .name = recipient.domain_key()};
  }
  return std::nullopt;
}

Task<RouteResult> RouteChain::route(const Destination& destination, RouteNext lookup) {
  // A frame even without hooks: `lookup` must live as long as what it returned.
  RouteResult result = co_await step(0, destination, lookup);
  co_return result;
}

Task<RouteResult> RouteChain::route_inside(const Instance& instance, Destination destination,
                                           RouteNext lookup) {
  const auto own = std::ranges::find(routers_, &instance);
  const bool routes = own != routers_.end();
  const auto index = routes ? static_cast<std::size_t>(own - routers_.begin()) + 1 : 0;
  RouteResult result = co_await step(index, destination, lookup);
  co_return result;
}

bool RouteChain::finds_loops() const noexcept {
  return std::ranges::any_of(routers_, [](const Instance* instance) {
    return !instance->is_shadow() && instance->hooks().route->finds_loops();
  });
}

Task<RouteResult> RouteChain::go_in(RouteChain& chain, HookCall<RouteResult>& outer,
                                    std::size_t index, const Destination& destination,
                                    const RouteNext& lookup) {
  const Pause pause(outer);
  RouteResult result = co_await chain.step(index, destination, lookup);
  co_return result;
}

Task<RouteResult> RouteChain::step(std::size_t index, const Destination& destination,
                                   const RouteNext& lookup) {
  if (index == routers_.size()) co_return co_await lookup(destination);
  Instance& instance = *routers_[index];
  if (instance.is_shadow()) co_return co_await shadow_step(index, destination, lookup);
  FailurePolicy policy = instance.policy(Fault::threw);
  if (!instance.is_bypassed(loop_.now())) {
    Ended<RouteResult> ended;
    HookCall<RouteResult> call(loop_, instance.block().hook_timeout,
                               instance.name(HookKind::route));
    const RouteNext next = Inner(*this, call, index + 1, lookup);
    if (auto task = enter(ended, instance.name(HookKind::route),
                          [&] { return instance.hooks().route->on_route(destination, next); })) {
      call.set_task(std::move(*task));
      ended = co_await call;
    }
    instance.spent(HookKind::route, call.total(), call.held());
    if (settle(instance, ended, loop_.now())) co_return std::move(*ended.value);
    policy = instance.policy(ended.fault);
  }
  if (policy != FailurePolicy::pass) co_return refusal(policy);
  RouteResult result = co_await step(index + 1, destination, lookup);
  co_return result;
}

Task<RouteResult> RouteChain::shadow_step(std::size_t index, const Destination& destination,
                                          const RouteNext& lookup) {
  Instance& instance = *routers_[index];
  RouteResult real = co_await step(index + 1, destination, lookup);
  if (instance.is_bypassed(loop_.now())) co_return real;
  Ended<RouteResult> ended;
  HookCall<RouteResult> call(loop_, instance.block().hook_timeout, instance.name(HookKind::route));
  const RouteNext next = [&real](const Destination&) -> Task<RouteResult> { return real; };
  if (auto task = enter(ended, instance.name(HookKind::route),
                        [&] { return instance.hooks().route->on_route(destination, next); })) {
    call.set_task(std::move(*task));
    ended = co_await call;
  }
  instance.spent(HookKind::route, call.total(), call.held());
  if (settle(instance, ended, loop_.now()) && !agree(*ended.value, real)) {
    const std::string answer =
        *ended.value ? (*ended.value)->hops.front().name : ended.value->error().line();
    instance.log().write(LogLevel::info, "route not applied",
                         {{"destination", destination.text()}, {"answer", answer}});
  }
  co_return real;
}

Instance* RouteChain::find_transport(std::string_view id) const noexcept {
  for (Instance* instance : transports_)
    if (instance->id() == id) return instance;
  return nullptr;
}

}  // namespace postrider::plugin
