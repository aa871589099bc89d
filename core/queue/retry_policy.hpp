// SPDX-License-Identifier: MIT
// When to try again, and when to give up (RFC 5321 section 4.5.4.1). Pure: the same seed gives the
// same times.
#pragma once

#include <cstdint>
#include <vector>

#include <postrider/time.hpp>

namespace postrider::queue {

/// A list of delays of which the last repeats, each spread by some percent so that mail that
/// failed together does not come back together.
class RetryPolicy {
 public:
  /// `delays` should not be empty (then: 30 minutes); `jitter_percent` 0 to 100.
  RetryPolicy(std::vector<Duration> delays, unsigned jitter_percent, std::uint64_t seed);

  /// How long to wait after `attempts` attempts (1: after the first). At least one second.
  Duration delay_after(std::uint32_t attempts) { return delay_after(attempts, delays_); }
  /// The same with another list; an empty one is none.
  Duration delay_after(std::uint32_t attempts, const std::vector<Duration>& delays);

 private:
  std::uint64_t random() noexcept;

  std::vector<Duration> delays_;
  unsigned jitter_percent_;
  std::uint64_t seed_;
};

/// The give-up time counts from arrival in every state, so that no state can keep mail for ever.
constexpr WallTime give_up_time(WallTime arrived, Duration life) noexcept {
  return arrived + life;
}

}  // namespace postrider::queue
