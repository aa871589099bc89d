// SPDX-License-Identifier: MIT
// So many of something in each period, evenly: what a [[destination]] block may say of messages and
// of connections. Pure: time comes as an argument.
#pragma once

#include <chrono>
#include <cstddef>

#include <postrider/time.hpp>

namespace postrider::queue {

/// So many in each `period`, evenly; count 0: no limit.
struct Rate {
  unsigned count = 0;
  Duration period{};
  bool is_limited() const noexcept { return count > 0; }
  bool operator==(const Rate&) const = default;
};

/// Keeps a rate.
class Pace {
 public:
  /// What was taken at the same rate still counts.
  void set(Rate rate) noexcept;
  /// None is left before; the beginning of time if there is no limit.
  TimePoint open_from() const noexcept;
  /// How many may be taken now.
  std::size_t left(TimePoint now) const noexcept;
  /// One more; beyond what is left it is owed.
  void take(TimePoint now) noexcept;
  /// One that was taken does not count after all.
  void give_back() noexcept { paid_until_ -= interval_; }

 private:
  Rate rate_;
  std::chrono::nanoseconds interval_{};
  TimePoint paid_until_{};  ///< what was taken uses the rate up to here
};

}  // namespace postrider::queue
