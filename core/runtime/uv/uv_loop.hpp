// SPDX-License-Identifier: MIT
// The libuv loop of one thread. The ready list is drained before and after the kernel is asked for
// events; one uv_timer stands for all timers, and is set only right before the loop may sleep.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <optional>

#include <uv.h>

#include "runtime/post_queue.hpp"
#include "runtime/ready_list.hpp"
#include "runtime/runtime.hpp"
#include "runtime/timer_heap.hpp"

namespace postrider::runtime {

class UvLoop final : public Runtime {
 public:
  /// What is read at once; one buffer serves all streams of the loop.
  static constexpr std::size_t kReadBuffer = 64 * 1024;

  UvLoop();
  UvLoop(const UvLoop&) = delete;
  UvLoop& operator=(const UvLoop&) = delete;
  /// Closes every handle, also those of owners that should have died before.
  ~UvLoop() override;

  TimePoint now() const noexcept override;
  TimePoint exact_now() const noexcept override;
  WallTime wall_now() const noexcept override;
  void make_ready(ReadyNode& node) noexcept override { ready_.add(node); }
  void start_timer(Timer& timer, Duration after) noexcept override;
  void stop_timer(Timer& timer) noexcept override { timers_.stop(timer); }

  Task<IoResult<StreamPtr>> connect(SocketAddress target, IpAddress source) override;
  IoResult<AcceptorPtr> listen(SocketAddress address, OnAccept on_accept) override;
  IoResult<AcceptorPtr> listen_local(const std::string& path, OnAccept on_accept) override;
  IoResult<WatchPtr> watch(int descriptor, std::function<void()> ready) override;
  void post(std::move_only_function<void()> work) override;
  void run() override;
  void stop() override;

  uv_loop_t* uv() noexcept { return &loop_; }
  std::array<char, kReadBuffer>& read_buffer() noexcept { return read_buffer_; }

 private:
  static UvLoop& of(const void* handle) noexcept {
    return *static_cast<UvLoop*>(static_cast<const uv_handle_t*>(handle)->loop->data);
  }
  void open_handles();
  void before_poll();
  void set_timer();
  void woken();

  uv_loop_t loop_{};
  uv_prepare_t prepare_{};
  uv_check_t check_{};
  uv_idle_t idle_{};
  uv_timer_t timer_{};
  uv_async_t async_{};
  std::optional<TimePoint> timer_due_;  // what timer_ is set to
  std::atomic<bool> stop_asked_ = false;
  PostQueue posted_;
  TimerHeap timers_;
  ReadyList ready_;
  std::array<char, kReadBuffer> read_buffer_;
};

}  // namespace postrider::runtime
