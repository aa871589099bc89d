// SPDX-License-Identifier: MIT
// A world for tests: one virtual clock, some loops on one thread, a network between them with
// faults. Time passes only when nothing can run, and the same seed gives the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "runtime/runtime.hpp"
#include "runtime/sim/memory_link.hpp"

namespace postrider::runtime {

class SimLoop;
class SimNetwork;

/// What is wrong with a target of connections.
struct SimFault {
  enum class Kind : std::uint8_t {
    none,
    refused,      ///< answered with a reset
    unreachable,  ///< ICMP says no
    black_hole,   ///< never answered
  };
  Kind kind = Kind::none;
  std::size_t octets_per_second = 0;  ///< a slow peer; 0: no limit
  std::size_t largest_segment = 0;    ///< octets arrive in random pieces up to this; 0: whole
  std::optional<std::size_t>
      reset_after{};  ///< an established connection breaks after so many octets
};

/// [one thread] Outlives everything that was made on its loops.
class SimWorld {
 public:
  /// One loop to begin with.
  explicit SimWorld(std::uint64_t seed = 1);
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;
  ~SimWorld();

  /// The loops are the world's; `number` counts from 0.
  Runtime& loop(std::size_t number = 0);
  Runtime& add_loop();

  TimePoint now() const noexcept { return now_; }
  /// 2026-01-01T00:00:00Z and as much as has passed and jumped since.
  WallTime wall_now() const noexcept;
  /// The calendar jumps, the monotonic clock does not.
  void jump_wall(Duration by) noexcept { wall_jump_ += by; }
  /// The one source of chance.
  std::mt19937_64& random() noexcept { return random_; }

  /// The least that can happen: posted work of a loop, one coroutine resumed, or the clock moved
  /// to the next timer. False when nothing can, or the next timer is after `limit`.
  bool step(TimePoint limit = TimePoint::max());
  /// Until nothing can happen any more; false if that takes longer than `limit` of virtual time.
  bool run_until_idle(Duration limit = std::chrono::hours(24 * 30));
  /// All that happens within `length`; then the clock has moved by exactly that.
  void run_for(Duration length);
  /// Until `done` holds; false if it does not within `limit`, or nothing can happen any more.
  bool run_until(const std::function<bool()>& done, Duration limit = std::chrono::hours(24 * 30));
  /// The clock jumps and nothing runs meanwhile, as in a machine that slept.
  void advance(Duration length) noexcept { now_ += length; }
  /// Run `task` to its end: its value, or nothing when it never ends.
  template <class T>
  std::optional<T> finish(Task<T> task) {
    task.start();
    if (!run_until([&task] { return task.is_done(); })) return std::nullopt;
    return task.take();
  }
  bool finish(Task<void> task);

  /// One way, from now on; at first 1 ms. A connection takes two of them to open.
  void set_latency(Duration latency) noexcept;
  /// Port 0: every port of that address. SimFault{} heals it.
  void set_fault(const SocketAddress& target, const SimFault& fault);
  /// A client of Runtime::listen_local().
  Task<IoResult<StreamPtr>> connect_local(Runtime& from, std::string path);

 private:
  friend SimLoop;
  SimLoop* next_due() const noexcept;

  std::mt19937_64 random_;
  TimePoint now_{};
  Duration wall_jump_{0};
  std::unique_ptr<SimNetwork> network_;
  std::vector<std::unique_ptr<SimLoop>> loops_;
};

}  // namespace postrider::runtime
