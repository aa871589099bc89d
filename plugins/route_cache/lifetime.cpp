// SPDX-License-Identifier: MIT
#include "lifetime.hpp"

#include <algorithm>
#include <chrono>

namespace postrider::route_cache {
namespace {

Lifetime limited(Duration length) {
  if (length <= Duration::zero()) return {};
  return {Lifetime::Kind::limited, length};
}

Lifetime life_of_route(const Route& route, const Rules& rules) {
  if (route.origin == "literal") return {};  // nothing was looked up
  if (!rules.follow_ttl) return {Lifetime::Kind::until_flushed, {}};
  if (route.origin == "implicit mx") return {};  // "do not get cached at all"
  Duration length = route.ttl;
  if (length <= Duration::zero()) return {};
  if (rules.min_ttl > Duration::zero()) length = std::max(length, rules.min_ttl);
  if (rules.max_ttl > Duration::zero()) length = std::min(length, rules.max_ttl);
  return limited(length);
}

}  // namespace

Lifetime lifetime_of(const RouteResult& result, const Rules& rules) {
  if (result) return life_of_route(*result, rules);
  if (!result.error().is_permanent()) return limited(rules.failure_ttl);
  return limited(std::min(result.error().ttl, rules.max_negative_ttl));
}

Duration left_until(TimePoint end, TimePoint now) noexcept {
  return std::max(std::chrono::floor<Duration>(end - now), Duration::zero());
}

std::optional<Duration> refresh_after(Duration life) noexcept {
  const Duration margin = std::max<Duration>(life / 10, 1s);
  if (life < 2 * margin) return std::nullopt;
  return life - margin;
}

}  // namespace postrider::route_cache
