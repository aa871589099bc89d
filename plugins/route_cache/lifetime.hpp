// SPDX-License-Identifier: MIT
// How long an answer may be kept: its TTL, the negative one (RFC 2308), and the rules of Q285023.
#pragma once

#include <cstdint>
#include <optional>

#include <postrider/route.hpp>
#include <postrider/time.hpp>

namespace postrider::route_cache {

/// What the operator set.
struct Rules {
  bool follow_ttl = true;
  Duration min_ttl{};  ///< 0: off
  Duration max_ttl{};  ///< 0: off
  Duration max_negative_ttl = 5min;
  Duration failure_ttl = 30s;
};

/// Kept how long?
struct Lifetime {
  enum class Kind : std::uint8_t { not_kept, until_flushed, limited };
  Kind kind = Kind::not_kept;
  Duration length{};  ///< if limited; from the moment when the answer was handed over
  bool operator==(const Lifetime&) const = default;
};

Lifetime lifetime_of(const RouteResult& result, const Rules& rules);

/// What is left; never negative.
Duration left_until(TimePoint end, TimePoint now) noexcept;

/// When a busy entry is looked up again: 10 % of its life, at least 1 s, before its end. Nothing if
/// it lives too short for that.
std::optional<Duration> refresh_after(Duration life) noexcept;

}  // namespace postrider::route_cache
