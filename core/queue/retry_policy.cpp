// SPDX-License-Identifier: MIT
#include "queue/retry_policy.hpp"

#include <algorithm>

namespace postrider::queue {

RetryPolicy::RetryPolicy(std::vector<Duration> delays, unsigned jitter_percent, std::uint64_t seed)
    : delays_(std::move(delays)), jitter_percent_(std::min(jitter_percent, 100U)), seed_(seed) {
  if (delays_.empty()) delays_.push_back(30min);
}

Duration RetryPolicy::delay_after(std::uint32_t attempts, const std::vector<Duration>& delays) {
  const std::vector<Duration>& list = delays.empty() ? delays_ : delays;
  const std::size_t index = std::min<std::size_t>(std::max(attempts, 1U) - 1, list.size() - 1);
  const Duration delay = list[index];
  const auto spread =
      static_cast<std::uint64_t>(std::max<std::int64_t>(delay.count(), 0)) * jitter_percent_ / 100;
  const auto shift = static_cast<std::int64_t>(random() % (2 * spread + 1));
  return std::max<Duration>(delay + Duration(shift - static_cast<std::int64_t>(spread)), 1s);
}

// splitmix64 (Vigna): small, and good enough to spread times.
std::uint64_t RetryPolicy::random() noexcept {
  std::uint64_t value = seed_ += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

}  // namespace postrider::queue
