// SPDX-License-Identifier: MIT
// One loop of a simulated world: the same ready list, timers and posts as in production, turned
// by the world one step at a time.
#pragma once

#include <atomic>

#include "runtime/post_queue.hpp"
#include "runtime/ready_list.hpp"
#include "runtime/sim/sim_world.hpp"
#include "runtime/timer_heap.hpp"

namespace postrider::runtime {

class SimLoop final : public Runtime {
 public:
  explicit SimLoop(SimWorld& world) noexcept : world_(world) {}
  SimLoop(const SimLoop&) = delete;
  SimLoop& operator=(const SimLoop&) = delete;
  ~SimLoop() override { posted_.clear(); }

  TimePoint now() const noexcept override { return world_.now(); }
  WallTime wall_now() const noexcept override { return world_.wall_now(); }
  void make_ready(ReadyNode& node) noexcept override { ready_.add(node); }
  void start_timer(Timer& timer, Duration after) noexcept override {
    timers_.start(timer, *this, now() + after);
  }
  void stop_timer(Timer& timer) noexcept override { timers_.stop(timer); }

  Task<IoResult<StreamPtr>> connect(SocketAddress target, IpAddress source) override;
  IoResult<AcceptorPtr> listen(SocketAddress address, OnAccept on_accept) override;
  IoResult<AcceptorPtr> listen_local(const std::string& path, OnAccept on_accept) override;
  /// Always an error: there are no descriptors in a simulated world.
  IoResult<WatchPtr> watch(int descriptor, std::function<void()> ready) override;
  void post(std::move_only_function<void()> work) override { posted_.add(std::move(work)); }
  /// Turns the whole world; also ends when nothing can happen any more.
  void run() override;
  void stop() override { stopped_ = true; }

  /// For the world: what was posted, or one coroutine; false when there is nothing to do.
  bool run_some();
  TimerHeap& timers() noexcept { return timers_; }

 private:
  SimWorld& world_;
  PostQueue posted_;
  TimerHeap timers_;
  ReadyList ready_;
  std::atomic<bool> stopped_ = false;
};

}  // namespace postrider::runtime
