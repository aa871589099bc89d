// SPDX-License-Identifier: MIT
// How many sessions there are, in all and per client, over all loops; how fast they were greeted;
// how much memory their messages take. The one place of receiving that loops share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include <postrider/ip_address.hpp>
#include <postrider/time.hpp>

#include "receive/banner_times.hpp"
#include "runtime/memory_budget.hpp"

namespace postrider::receive {

/// [any thread]
class SessionTable {
 public:
  enum class Entry : std::uint8_t { granted, too_many, too_many_of_client };
  /// Count a new session; leave() must follow if it was granted.
  Entry enter(const IpAddress& client, std::size_t limit, std::size_t client_limit);
  void leave(const IpAddress& client) noexcept;
  std::size_t size() const noexcept { return total_.load(std::memory_order_relaxed); }

  /// Time to banner of one session, for `postrider status`.
  void greeted(std::chrono::nanoseconds after, TimePoint now) noexcept { banner_.add(after, now); }
  void count_message() noexcept { messages_.fetch_add(1, std::memory_order_relaxed); }
  /// Of messages that come in and are not on disk yet; no limit until one is set. Shared with them:
  /// some outlive their session.
  const std::shared_ptr<runtime::MemoryBudget>& memory() const noexcept { return memory_; }
  void count_refusal() noexcept { refusals_.fetch_add(1, std::memory_order_relaxed); }

  struct Figures {
    std::uint64_t sessions_now = 0, sessions_total = 0, messages = 0, refusals = 0;
    BannerTimes::Figures banner;  ///< of the last minutes
  };
  Figures figures(TimePoint now) const;

 private:
  struct Hash {
    std::size_t operator()(const IpAddress& address) const noexcept;
  };
  mutable std::mutex mutex_;
  std::unordered_map<IpAddress, std::size_t, Hash> clients_;
  std::atomic<std::size_t> total_{0};
  std::atomic<std::uint64_t> entered_{0}, messages_{0}, refusals_{0};
  BannerTimes banner_;
  std::shared_ptr<runtime::MemoryBudget> memory_ = std::make_shared<runtime::MemoryBudget>();
};

}  // namespace postrider::receive
