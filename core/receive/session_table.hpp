// SPDX-License-Identifier: MIT
// How many sessions there are, in all and per client, over all loops; and how fast they were
// greeted. The one place of receiving that loops share.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>

#include <postrider/ip_address.hpp>
#include <postrider/time.hpp>

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
  void greeted(Duration after) noexcept;
  void count_message() noexcept { messages_.fetch_add(1, std::memory_order_relaxed); }
  void count_refusal() noexcept { refusals_.fetch_add(1, std::memory_order_relaxed); }

  struct Figures {
    std::uint64_t sessions_now = 0, sessions_total = 0, messages = 0, refusals = 0;
    std::uint64_t banner_p50_ms = 0, banner_p99_ms = 0, banner_max_ms = 0;
  };
  Figures figures() const;

 private:
  struct Hash {
    std::size_t operator()(const IpAddress& address) const noexcept;
  };
  mutable std::mutex mutex_;
  std::unordered_map<IpAddress, std::size_t, Hash> clients_;
  std::atomic<std::size_t> total_{0};
  std::atomic<std::uint64_t> entered_{0}, messages_{0}, refusals_{0};
  // Time to banner in milliseconds, by power of two: bucket i holds [2^(i-1), 2^i).
  std::array<std::atomic<std::uint64_t>, 24> banner_{};
  std::atomic<std::uint64_t> banner_max_{0};
};

}  // namespace postrider::receive
