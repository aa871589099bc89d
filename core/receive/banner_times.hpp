// SPDX-License-Identifier: MIT
// How long clients waited for our greeting, over the last minutes: what an operator wants to know
// is how it is now, not how it has been since the start (Q286375).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

#include <postrider/time.hpp>

namespace postrider::receive {

/// [any thread] Its clock is the one of its callers.
class BannerTimes {
 public:
  static constexpr std::chrono::minutes kWindow{5};

  struct Figures {
    std::uint64_t sessions = 0;  ///< greeted within the window
    /// Percentiles are right to an eighth of their value, and never less than what they stand for.
    std::chrono::microseconds p50{}, p99{}, max{};
  };

  /// A session was greeted at `now`, `after` its connection was accepted.
  void add(std::chrono::nanoseconds after, TimePoint now) noexcept;
  /// Of the sessions greeted in the kWindow before `now`, to ten seconds more.
  Figures figures(TimePoint now) const;

 private:
  // Below 16 us each has a place of its own; from there, each power of two has eight.
  static constexpr std::size_t kPlaces = 16 + 8 * 28;
  static constexpr std::chrono::seconds kSlice{10};
  static constexpr std::size_t kSlices = kWindow / kSlice + 1;
  struct Slice {
    std::int64_t number = -1;  ///< of the slices since the clock's beginning
    std::uint32_t longest = 0;
    std::array<std::uint32_t, kPlaces> counts{};
  };
  static std::size_t place_of(std::uint32_t microseconds) noexcept;
  static std::uint32_t top_of(std::size_t place) noexcept;
  static std::int64_t number_at(TimePoint now) noexcept;

  mutable std::mutex mutex_;
  std::array<Slice, kSlices> slices_{};
};

}  // namespace postrider::receive
