// SPDX-License-Identifier: MIT
#include "queue/pace.hpp"

#include <algorithm>
#include <cstdint>

namespace postrider::queue {
namespace {

/// How far a rate may run ahead: high ones are then kept without a timer for each message.
constexpr std::chrono::milliseconds kAhead{100};

}  // namespace

void Pace::set(Rate rate) noexcept {
  if (rate == rate_) return;
  rate_ = rate;
  interval_ = rate.is_limited() ? std::chrono::nanoseconds(rate.period) / rate.count
                                : std::chrono::nanoseconds{};
  paid_until_ = {};
}

TimePoint Pace::open_from() const noexcept {
  return rate_.is_limited() ? paid_until_ - kAhead : TimePoint{};
}

std::size_t Pace::left(TimePoint now) const noexcept {
  if (!rate_.is_limited()) return SIZE_MAX;
  if (now < open_from()) return 0;
  return 1 + static_cast<std::size_t>((now + kAhead - std::max(now, paid_until_)) / interval_);
}

void Pace::take(TimePoint now) noexcept {
  paid_until_ = std::max(paid_until_, now) + interval_;
}

}  // namespace postrider::queue
