// SPDX-License-Identifier: MIT
// How many octets of messages all loops together may keep in memory for one purpose, and the part
// of it that one message has taken.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

namespace postrider::runtime {

/// [any thread]
class MemoryBudget {
 public:
  explicit MemoryBudget(std::uint64_t limit = UINT64_MAX) : limit_(limit) {}

  /// False: it would be too much, and nothing was taken.
  bool take(std::uint64_t octets) noexcept {
    if (used_.fetch_add(octets, std::memory_order_relaxed) + octets <= limit()) return true;
    give_back(octets);
    return false;
  }
  void give_back(std::uint64_t octets) noexcept {
    used_.fetch_sub(octets, std::memory_order_relaxed);
  }
  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  std::uint64_t limit() const noexcept { return limit_.load(std::memory_order_relaxed); }
  /// For what is taken from now on.
  void set_limit(std::uint64_t limit) noexcept { limit_.store(limit, std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> limit_;
};

/// What one owner has taken from a budget; given back at its end.
class MemoryCharge {
 public:
  MemoryCharge() = default;
  explicit MemoryCharge(std::shared_ptr<MemoryBudget> budget) : budget_(std::move(budget)) {}
  MemoryCharge(MemoryCharge&& other) noexcept
      : budget_(std::move(other.budget_)), octets_(std::exchange(other.octets_, 0)) {}
  MemoryCharge& operator=(MemoryCharge&& other) noexcept {
    std::swap(budget_, other.budget_);
    std::swap(octets_, other.octets_);
    return *this;
  }
  ~MemoryCharge() { (void)resize(0); }

  /// Have `octets` in all. False: that would be too much, and all is as it was; less never is.
  bool resize(std::uint64_t octets) noexcept {
    if (!budget_) return true;
    if (octets > octets_ && !budget_->take(octets - octets_)) return false;
    if (octets < octets_) budget_->give_back(octets_ - octets);
    octets_ = octets;
    return true;
  }

 private:
  std::shared_ptr<MemoryBudget> budget_;
  std::uint64_t octets_ = 0;
};

}  // namespace postrider::runtime
