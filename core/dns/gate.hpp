// SPDX-License-Identifier: MIT
// A bound on what is in flight: so many may be inside, the others wait in order of arrival. udns
// looks for each reply among all its open queries, so a thousand of them would cost too much.
#pragma once

#include <list>
#include <utility>

#include <postrider/loop.hpp>

namespace postrider::dns {

/// [loop thread] Outlives its permits and waiters.
class Gate {
 public:
  /// A place inside; given up when destroyed.
  class Permit {
   public:
    explicit Permit(Gate& gate) noexcept : gate_(&gate) {}
    Permit(Permit&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() {
      if (gate_) gate_->leave();
    }

   private:
    Gate* gate_;
  };

  /// co_await gate.enter()
  class Entry {
   public:
    explicit Entry(Gate& gate) noexcept : gate_(gate) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() {
      if (waiting_) gate_.waiting_.remove(this);
      if (granted_) gate_.leave();
    }
    bool await_ready() noexcept {
      if (gate_.free_ == 0) return false;
      --gate_.free_;
      return granted_ = true;
    }
    void await_suspend(std::coroutine_handle<> handle) {
      node_.set_handle(handle);
      gate_.waiting_.push_back(this);
      waiting_ = true;
    }
    Permit await_resume() noexcept {
      granted_ = false;
      return Permit(gate_);
    }

   private:
    friend class Gate;
    void grant() noexcept {
      waiting_ = false;
      granted_ = true;
      gate_.loop_.make_ready(node_);
    }
    Gate& gate_;
    ReadyNode node_;
    bool waiting_ = false;
    bool granted_ = false;
  };

  Gate(Loop& loop, unsigned places) noexcept : loop_(loop), free_(places) {}
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  Entry enter() noexcept { return Entry(*this); }

 private:
  void leave() noexcept {
    if (waiting_.empty()) {
      ++free_;
      return;
    }
    Entry* const first = waiting_.front();
    waiting_.pop_front();
    first->grant();
  }

  Loop& loop_;
  unsigned free_;
  std::list<Entry*> waiting_;
};

}  // namespace postrider::dns
