// SPDX-License-Identifier: MIT
// Tasks: values, exceptions, cancellation by dropping, and that a million of them that never wait
// need no stack. The loop here runs in virtual time.
#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <postrider/loop.hpp>
#include <postrider/task.hpp>

namespace postrider {
namespace {

/// A loop whose time moves only when told to.
class FakeLoop final : public Loop {
 public:
  FakeLoop() { ready_.make_head(); }
  TimePoint now() const noexcept override { return now_; }
  WallTime wall_now() const noexcept override { return {}; }
  void make_ready(ReadyNode& node) noexcept override { node.link_before(ready_); }
  void start_timer(Timer& timer, Duration after) noexcept override {
    stop_timer(timer);
    timer.loop_ = this;
    timer.due_ = now_ + after;
    timers_.push_back(&timer);
  }
  void stop_timer(Timer& timer) noexcept override {
    timer.loop_ = nullptr;
    std::erase(timers_, &timer);
  }

  std::size_t timers() const { return timers_.size(); }
  void run_ready() {
    while (ready_.next() != &ready_) {
      ReadyNode& node = *ready_.next();
      node.unlink();
      node.handle().resume();
    }
  }
  /// Let timers expire one by one; ready coroutines run only afterwards.
  void expire(Duration length) {
    now_ += length;
    for (Timer* due = next_due(); due; due = next_due()) {
      stop_timer(*due);
      due->expired();
    }
  }
  void advance(Duration length) {
    expire(length);
    run_ready();
  }

 private:
  Timer* next_due() {
    const auto found = std::ranges::min_element(timers_, {}, &Timer::due_);
    return found != timers_.end() && (*found)->due_ <= now_ ? *found : nullptr;
  }
  ReadyNode ready_;
  std::vector<Timer*> timers_;
  TimePoint now_{};
};

/// Something to wait for, opened by hand; knows whether anyone waits.
class Gate {
 public:
  explicit Gate(Loop& loop) : loop_(loop) {}
  void open() {
    if (waiter_) loop_.make_ready(waiter_->node);
  }
  bool has_waiter() const { return waiter_ != nullptr; }

  struct Awaiter {
    explicit Awaiter(Gate& g) : gate(g) {}
    Awaiter(const Awaiter&) = delete;
    Awaiter& operator=(const Awaiter&) = delete;
    ~Awaiter() {
      if (gate.waiter_ == this) gate.waiter_ = nullptr;
    }
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) {
      node.set_handle(handle);
      gate.waiter_ = this;
    }
    void await_resume() { gate.waiter_ = nullptr; }
    Gate& gate;
    ReadyNode node;
  };
  Awaiter wait() { return Awaiter(*this); }

 private:
  Loop& loop_;
  Awaiter* waiter_ = nullptr;
};

Task<int> number(int n) {
  co_return n;
}
Task<int> sum(int a, int b) {
  const int left = co_await number(a);
  const int right = co_await number(b);
  co_return left + right;
}
Task<int> ready_number(int n) {
  return n;
}
Task<int> fail_with(std::string what) {
  if (!what.empty()) throw std::runtime_error(what);
  co_return 0;
}
Task<> fail_later(Gate& gate) {
  co_await gate.wait();
  throw std::runtime_error("later");
}
Task<int> value_later(Gate& gate, int n) {
  co_await gate.wait();
  co_return n;
}
Task<> keep(Gate& gate, std::shared_ptr<int> held) {
  co_await gate.wait();
  ++*held;
}
template <class T>
Task<> store(Task<T> task, T& out) {
  out = co_await std::move(task);
}

TEST(Task, HoldsAReadyValueWithoutAFrame) {
  Task<std::string> task = std::string("ready");
  EXPECT_TRUE(task.is_done());
  EXPECT_TRUE(task.start());
  EXPECT_EQ(task.take(), "ready");
  Task<> nothing;
  EXPECT_TRUE(nothing.start());
  nothing.take();
}

TEST(Task, IsLazy) {
  auto held = std::make_shared<int>(0);
  FakeLoop loop;
  Gate gate(loop);
  Task<> task = keep(gate, held);
  EXPECT_FALSE(task.is_done());
  EXPECT_FALSE(gate.has_waiter());
  EXPECT_FALSE(task.start());
  EXPECT_TRUE(gate.has_waiter());
}

TEST(Task, AwaitsNestedTasks) {
  Task<int> task = sum(2, 3);
  EXPECT_TRUE(task.start());
  EXPECT_EQ(task.take(), 5);
  int out = 0;
  Task<> outer = store(sum(20, 3), out);
  EXPECT_TRUE(outer.start());
  EXPECT_EQ(out, 23);
  Task<> of_ready = store(ready_number(7), out);
  EXPECT_TRUE(of_ready.start());
  EXPECT_EQ(out, 7);
}

TEST(Task, CarriesMoveOnlyValues) {
  Task<std::unique_ptr<int>> task = std::make_unique<int>(4);
  Task<std::unique_ptr<int>> moved = std::move(task);
  EXPECT_EQ(*moved.take(), 4);
}

TEST(Task, ThrowsWhatTheCoroutineThrew) {
  Task<int> task = fail_with("broken");
  EXPECT_TRUE(task.start());
  EXPECT_THROW(task.take(), std::runtime_error);
  int out = 1;
  Task<> outer = store(fail_with("broken"), out);
  EXPECT_TRUE(outer.start());
  EXPECT_THROW(outer.take(), std::runtime_error);
  EXPECT_EQ(out, 1);
}

TEST(Task, ThrowsAfterASuspension) {
  FakeLoop loop;
  Gate gate(loop);
  Task<> task = fail_later(gate);
  EXPECT_FALSE(task.start());
  gate.open();
  loop.run_ready();
  ASSERT_TRUE(task.is_done());
  EXPECT_THROW(task.take(), std::runtime_error);
}

TEST(Task, ResumesItsAwaiterLater) {
  FakeLoop loop;
  Gate gate(loop);
  int out = 0;
  Task<> outer = store(value_later(gate, 9), out);
  EXPECT_FALSE(outer.start());
  EXPECT_EQ(out, 0);
  gate.open();
  loop.run_ready();
  EXPECT_TRUE(outer.is_done());
  EXPECT_EQ(out, 9);
}

TEST(Task, CancelsWhatItWaitsForWhenDropped) {
  FakeLoop loop;
  Gate gate(loop);
  auto held = std::make_shared<int>(0);
  {
    Task<> task = keep(gate, held);
    EXPECT_FALSE(task.start());
    EXPECT_EQ(held.use_count(), 2);
  }
  EXPECT_FALSE(gate.has_waiter());
  EXPECT_EQ(held.use_count(), 1);
  gate.open();
  loop.run_ready();
  EXPECT_EQ(*held, 0);
}

TEST(Task, CancelsANestedChainWhenDropped) {
  FakeLoop loop;
  Gate gate(loop);
  int out = 0;
  Task<> outer = store(value_later(gate, 9), out);
  EXPECT_FALSE(outer.start());
  EXPECT_TRUE(gate.has_waiter());
  gate.open();  // already in the ready list when the task goes
  outer.reset();
  EXPECT_FALSE(gate.has_waiter());
  loop.run_ready();
  EXPECT_EQ(out, 0);
}

TEST(Task, DropsTheOldOneWhenAssigned) {
  FakeLoop loop;
  Gate gate(loop);
  auto held = std::make_shared<int>(0);
  Task<> task = keep(gate, held);
  EXPECT_FALSE(task.start());
  task = Task<>();
  EXPECT_EQ(held.use_count(), 1);
  Task<int> values = value_later(gate, 1);
  EXPECT_FALSE(values.start());
  values = Task<int>(3);
  EXPECT_FALSE(gate.has_waiter());
  EXPECT_EQ(values.take(), 3);
}

TEST(Task, FreesATaskThatNeverRan) {
  FakeLoop loop;
  Gate gate(loop);
  auto held = std::make_shared<int>(0);
  {
    const Task<> task = keep(gate, held);
  }
  EXPECT_EQ(held.use_count(), 1);
}

Task<long> count_to(int limit) {
  long total = 0;
  for (int i = 0; i < limit; ++i) {
    const int frame = co_await number(1);
    const int ready = co_await ready_number(1);
    total += frame + ready;
  }
  co_return total;
}

TEST(Task, AwaitsAMillionThatNeverSuspend) {
  Task<long> task = count_to(1'000'000);
  EXPECT_TRUE(task.start());
  EXPECT_EQ(task.take(), 2'000'000);
}

Task<> sleep_often(Loop& loop, int times) {
  for (int i = 0; i < times; ++i) co_await sleep_for(loop, 1ms);
}
Task<> sleep_in_children(Loop& loop, int times) {
  for (int i = 0; i < times; ++i) co_await sleep_often(loop, 1);
}

TEST(Task, DoesNotGrowTheStackOverManySuspensions) {
  FakeLoop loop;
  Task<> task = sleep_in_children(loop, 100'000);
  EXPECT_FALSE(task.start());
  for (int i = 0; i < 100'000; ++i) loop.advance(1ms);
  EXPECT_TRUE(task.is_done());
}

TEST(Sleep, WaitsItsTime) {
  FakeLoop loop;
  Task<> task = sleep_often(loop, 2);
  EXPECT_FALSE(task.start());
  loop.advance(1ms);
  EXPECT_FALSE(task.is_done());
  EXPECT_EQ(loop.timers(), 1U);
  loop.advance(1ms);
  EXPECT_TRUE(task.is_done());
  EXPECT_EQ(loop.timers(), 0U);
}

TEST(Sleep, StopsItsTimerWhenDropped) {
  FakeLoop loop;
  Task<> task = sleep_often(loop, 1);
  EXPECT_FALSE(task.start());
  EXPECT_EQ(loop.timers(), 1U);
  task.reset();
  EXPECT_EQ(loop.timers(), 0U);
  loop.advance(1h);
}

TEST(Sleep, LeavesTheReadyListWhenDropped) {
  FakeLoop loop;
  Task<> task = sleep_often(loop, 1);
  EXPECT_FALSE(task.start());
  loop.expire(1ms);  // expired, not yet resumed
  task.reset();
  loop.run_ready();
}

Task<> limit_value(Loop& loop, Task<int> inner, std::optional<int>& out) {
  out = co_await within(loop, 5s, std::move(inner));
}
Task<> limit_void(Loop& loop, Task<> inner, int& out) {
  const bool finished = co_await within(loop, 5s, std::move(inner));
  out = finished ? 1 : 2;
}

TEST(Within, GivesAReadyValueAtOnce) {
  FakeLoop loop;
  std::optional<int> out;
  Task<> task = limit_value(loop, 4, out);
  EXPECT_TRUE(task.start());
  EXPECT_EQ(out, 4);
  EXPECT_EQ(loop.timers(), 0U);
}

TEST(Within, GivesTheResultInTime) {
  FakeLoop loop;
  Gate gate(loop);
  std::optional<int> out;
  Task<> task = limit_value(loop, value_later(gate, 8), out);
  EXPECT_FALSE(task.start());
  EXPECT_EQ(loop.timers(), 1U);
  loop.advance(4999ms);
  EXPECT_FALSE(task.is_done());
  gate.open();
  loop.run_ready();
  EXPECT_TRUE(task.is_done());
  EXPECT_EQ(out, 8);
  EXPECT_EQ(loop.timers(), 0U);
}

TEST(Within, DropsTheTaskWhenTheLimitPasses) {
  FakeLoop loop;
  Gate gate(loop);
  auto held = std::make_shared<int>(0);
  int out = 0;
  Task<> task = limit_void(loop, keep(gate, held), out);
  EXPECT_FALSE(task.start());
  loop.advance(5s);
  EXPECT_TRUE(task.is_done());
  EXPECT_EQ(out, 2);
  EXPECT_FALSE(gate.has_waiter());
  EXPECT_EQ(held.use_count(), 1);
}

TEST(Within, GivesTheResultWhenBothHappenAtOnce) {
  for (const bool task_first : {true, false}) {
    FakeLoop loop;
    Gate gate(loop);
    auto held = std::make_shared<int>(0);
    int out = 0;
    Task<> task = limit_void(loop, keep(gate, held), out);
    EXPECT_FALSE(task.start());
    if (task_first) gate.open();
    loop.expire(5s);
    if (!task_first) gate.open();
    loop.run_ready();  // must resume the awaiter once only
    EXPECT_TRUE(task.is_done());
    EXPECT_EQ(out, task_first ? 1 : 2);
    EXPECT_EQ(held.use_count(), 1);
    EXPECT_EQ(loop.timers(), 0U);
  }
}

TEST(Within, PassesExceptionsOn) {
  FakeLoop loop;
  Gate gate(loop);
  std::optional<int> out;
  Task<> at_once = limit_value(loop, fail_with("broken"), out);
  EXPECT_TRUE(at_once.start());
  EXPECT_THROW(at_once.take(), std::runtime_error);
  int unused = 0;
  Task<> later = limit_void(loop, fail_later(gate), unused);
  EXPECT_FALSE(later.start());
  gate.open();
  loop.run_ready();
  EXPECT_THROW(later.take(), std::runtime_error);
  EXPECT_EQ(loop.timers(), 0U);
}

TEST(Within, CancelsBothWhenDropped) {
  FakeLoop loop;
  Gate gate(loop);
  auto held = std::make_shared<int>(0);
  int out = 0;
  Task<> task = limit_void(loop, keep(gate, held), out);
  EXPECT_FALSE(task.start());
  task.reset();
  EXPECT_EQ(loop.timers(), 0U);
  EXPECT_FALSE(gate.has_waiter());
  EXPECT_EQ(held.use_count(), 1);
  loop.advance(1h);
  EXPECT_EQ(out, 0);
}

}  // namespace
}  // namespace postrider
