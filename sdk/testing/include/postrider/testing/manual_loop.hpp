// SPDX-License-Identifier: MIT
// A loop in virtual time: nothing waits for real, and a test says how much time passes.
#pragma once

#include <vector>

#include <postrider/loop.hpp>

namespace postrider::testing {

class ManualLoop : public Loop {
 public:
  ManualLoop() { ready_.make_head(); }
  ~ManualLoop() override;
  ManualLoop(const ManualLoop&) = delete;
  ManualLoop& operator=(const ManualLoop&) = delete;

  TimePoint now() const noexcept override { return now_; }
  /// The calendar begins at 2026-11-21T00:00:00Z and moves with now().
  WallTime wall_now() const noexcept override;
  void make_ready(ReadyNode& node) noexcept override { node.link_before(ready_); }
  void start_timer(Timer& timer, Duration after) noexcept override;
  void stop_timer(Timer& timer) noexcept override;

  /// Resume what is ready until nothing is.
  void run_ready();
  /// Let `length` pass: timers fire in their order, each followed by what it makes ready.
  void advance(Duration length);
  /// Jump to the next timer; false if there is none.
  bool step();
  std::size_t timers() const noexcept { return timers_.size(); }

 private:
  Timer* next_timer() const noexcept;
  TimePoint now_{std::chrono::hours(1000)};
  ReadyNode ready_;
  std::vector<Timer*> timers_;
};

}  // namespace postrider::testing
