// SPDX-License-Identifier: MIT
// One coroutine waiting for one result. The Wait lives in the coroutine's frame, the WaitSlot in
// what will answer (a stream, a connection attempt, a task set). Either may die first.
#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include <postrider/loop.hpp>

namespace postrider::runtime {

template <class Result>
class Wait;

/// [loop thread] Where at most one Wait is registered.
template <class Result>
class WaitSlot {
 public:
  explicit WaitSlot(Loop& loop) noexcept : loop_(loop) {}
  WaitSlot(const WaitSlot&) = delete;
  WaitSlot& operator=(const WaitSlot&) = delete;
  /// Whoever still waits then is never resumed; answer before if that matters.
  ~WaitSlot() {
    if (wait_) wait_->slot_ = nullptr;
  }

  bool is_waited_for() const noexcept { return wait_ != nullptr; }
  /// Answer the waiting coroutine, if any; it goes on from the ready list.
  void finish(Result result) noexcept {
    auto* const wait = std::exchange(wait_, nullptr);
    if (!wait) return;
    wait->slot_ = nullptr;
    wait->result_.emplace(std::move(result));
    if (wait->node_.handle()) loop_.make_ready(wait->node_);
  }

 private:
  friend Wait<Result>;
  Loop& loop_;
  Wait<Result>* wait_ = nullptr;
};

/// Registered from its construction on; co_await it once. Destroying it gives up waiting.
template <class Result>
class Wait {
 public:
  explicit Wait(WaitSlot<Result>& slot) noexcept : slot_(&slot) {
    if (slot.wait_) slot.wait_->slot_ = nullptr;
    slot.wait_ = this;
  }
  Wait(const Wait&) = delete;
  Wait& operator=(const Wait&) = delete;
  ~Wait() {
    if (slot_) slot_->wait_ = nullptr;
  }

  /// Registered and not yet answered; then the slot's owner is alive.
  bool is_pending() const noexcept { return slot_ != nullptr; }

  bool await_ready() const noexcept { return result_.has_value(); }
  void await_suspend(std::coroutine_handle<> handle) noexcept { node_.set_handle(handle); }
  Result await_resume() { return std::move(*result_); }

 private:
  friend WaitSlot<Result>;
  WaitSlot<Result>* slot_;
  std::optional<Result> result_;
  ReadyNode node_;
};

}  // namespace postrider::runtime
