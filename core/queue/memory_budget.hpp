// SPDX-License-Identifier: MIT
// How many octets of bodies the queues of all loops may keep in memory together.
#pragma once

#include <atomic>
#include <cstdint>

namespace postrider::queue {

/// [any thread]
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit) : limit_(limit) {}

  /// False: it would be too much, and nothing was taken.
  bool take(std::uint64_t octets) noexcept {
    if (used_.fetch_add(octets, std::memory_order_relaxed) + octets <= limit_) return true;
    give_back(octets);
    return false;
  }
  void give_back(std::uint64_t octets) noexcept {
    used_.fetch_sub(octets, std::memory_order_relaxed);
  }
  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> used_{0};
  const std::uint64_t limit_;
};

}  // namespace postrider::queue
