// SPDX-License-Identifier: MIT
#include "receive/banner_times.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace postrider::receive {

using std::chrono::microseconds;

std::size_t BannerTimes::place_of(std::uint32_t value) noexcept {
  if (value < 16) return value;
  const auto power = static_cast<std::size_t>(std::bit_width(value)) - 1;  // 4 to 31
  return 16 + (power - 4) * 8 + ((value >> (power - 3)) & 7U);
}

/// The longest time that has this place.
std::uint32_t BannerTimes::top_of(std::size_t place) noexcept {
  if (place < 16) return static_cast<std::uint32_t>(place);
  const std::size_t power = (place - 16) / 8 + 4;
  const std::uint64_t next = ((place - 16) % 8 + 9) << (power - 3);
  return static_cast<std::uint32_t>(next - 1);
}

std::int64_t BannerTimes::number_at(TimePoint now) noexcept {
  return std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()) / kSlice;
}

void BannerTimes::add(std::chrono::nanoseconds after, TimePoint now) noexcept {
  const auto value = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(std::chrono::duration_cast<microseconds>(after).count(), 0,
                               std::numeric_limits<std::uint32_t>::max()));
  const std::int64_t number = number_at(now);
  const std::scoped_lock lock(mutex_);
  Slice& slice = slices_[static_cast<std::size_t>(number) % kSlices];
  if (slice.number > number) return;  // another thread's clock is a whole window ahead
  if (slice.number < number) slice = {.number = number};
  ++slice.counts[place_of(value)];
  slice.longest = std::max(slice.longest, value);
}

BannerTimes::Figures BannerTimes::figures(TimePoint now) const {
  const std::int64_t last = number_at(now);
  std::array<std::uint64_t, kPlaces> counts{};
  std::uint64_t all = 0;
  std::uint32_t longest = 0;
  {
    const std::scoped_lock lock(mutex_);
    for (const Slice& slice : slices_) {
      if (slice.number <= last - static_cast<std::int64_t>(kSlices)) continue;
      longest = std::max(longest, slice.longest);
      for (std::size_t i = 0; i < kPlaces; ++i) counts[i] += slice.counts[i];
    }
  }
  for (const std::uint64_t count : counts) all += count;
  const auto percentile = [&](std::uint64_t share) {
    std::uint64_t below = 0;
    std::size_t place = 0;
    while ((below += counts[place]) * 100 < all * share) ++place;
    return microseconds(std::min(top_of(place), longest));
  };
  if (all == 0) return {};
  return {
      .sessions = all, .p50 = percentile(50), .p99 = percentile(99), .max = microseconds(longest)};
}

}  // namespace postrider::receive
