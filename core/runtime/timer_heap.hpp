// SPDX-License-Identifier: MIT
// The running timers of one loop, earliest first: a 4-ary heap in which every timer knows its
// place, so that stopping one (the usual end of a timeout) costs no search.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <postrider/loop.hpp>

namespace postrider::runtime {

/// [loop thread] Timers due at the same time expire in the order in which they were started.
class TimerHeap {
 public:
  TimerHeap() = default;
  TimerHeap(const TimerHeap&) = delete;
  TimerHeap& operator=(const TimerHeap&) = delete;
  /// Timers still running are stopped without being called.
  ~TimerHeap();

  /// Start or restart `timer` on `loop`, due at `due`.
  void start(Timer& timer, Loop& loop, TimePoint due);
  /// Nothing happens when it is not running.
  void stop(Timer& timer) noexcept;
  /// When the next one is due; nothing when none runs.
  std::optional<TimePoint> earliest() const noexcept;
  /// Call every timer due at `now` or before, except those that are started meanwhile.
  void expire(TimePoint now) noexcept;

 private:
  struct Entry {
    TimePoint due;
    std::uint64_t number;  // of the start: breaks ties
    Timer* timer;
  };
  static bool is_before(const Entry& left, const Entry& right) noexcept;
  void put(std::size_t place, const Entry& entry) noexcept;
  void move_up(std::size_t place, const Entry& entry) noexcept;
  void move_down(std::size_t place, const Entry& entry) noexcept;
  void settle(std::size_t place, const Entry& entry) noexcept;

  std::vector<Entry> entries_;
  std::uint64_t starts_ = 0;
};

}  // namespace postrider::runtime
