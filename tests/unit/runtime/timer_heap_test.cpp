// SPDX-License-Identifier: MIT
#include "runtime/timer_heap.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "runtime/sim/sim_world.hpp"

namespace postrider::runtime {
namespace {

struct Probe final : Timer {
  explicit Probe(std::function<void()> then) : action(std::move(then)) {}
  void expired() noexcept override { action(); }
  std::function<void()> action;
};

TimePoint at(int milliseconds) {
  return TimePoint(std::chrono::milliseconds(milliseconds));
}

class TimerHeapTest : public testing::Test {
 protected:
  std::unique_ptr<Probe> probe(int number) {
    return std::make_unique<Probe>([this, number] { order.push_back(number); });
  }
  SimWorld world;
  Loop& loop = world.loop();
  TimerHeap heap;
  std::vector<int> order;
};

TEST_F(TimerHeapTest, ExpiresByDueTimeThenByStart) {
  const auto a = probe(1), b = probe(2), c = probe(3), d = probe(4);
  heap.start(*a, loop, at(20));
  heap.start(*b, loop, at(10));
  heap.start(*c, loop, at(10));
  heap.start(*d, loop, at(30));
  EXPECT_EQ(heap.earliest(), at(10));
  heap.expire(at(20));
  EXPECT_EQ(order, (std::vector<int>{2, 3, 1}));
  EXPECT_FALSE(a->is_running());
  EXPECT_TRUE(d->is_running());
  heap.stop(*d);
  EXPECT_EQ(heap.earliest(), std::nullopt);
}

TEST_F(TimerHeapTest, RestartMovesBothWays) {
  const auto a = probe(1), b = probe(2);
  heap.start(*a, loop, at(10));
  heap.start(*b, loop, at(20));
  heap.start(*a, loop, at(30));
  EXPECT_EQ(heap.earliest(), at(20));
  heap.start(*a, loop, at(5));
  EXPECT_EQ(heap.earliest(), at(5));
  heap.expire(at(100));
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  heap.stop(*a);  // not running: nothing happens
}

TEST_F(TimerHeapTest, CallbackMayStopOthersAndStartAgain) {
  const auto victim = probe(2);
  Probe first([&] {
    order.push_back(1);
    heap.stop(*victim);
  });
  Probe again([] {});
  again.action = [&] {
    order.push_back(3);
    heap.start(again, loop, at(10));
  };
  heap.start(first, loop, at(10));
  heap.start(*victim, loop, at(10));
  heap.start(again, loop, at(10));
  heap.expire(at(10));
  EXPECT_EQ(order, (std::vector<int>{1, 3})) << "restarted ones wait for the next call";
  EXPECT_TRUE(again.is_running());
  EXPECT_FALSE(victim->is_running());
  heap.stop(again);
}

TEST_F(TimerHeapTest, AgreesWithASortedList) {
  std::mt19937 random(3);
  std::vector<std::unique_ptr<Probe>> timers;
  for (int n = 0; n < 500; ++n) timers.push_back(probe(n));
  for (int round = 0; round < 5000; ++round) {
    auto& timer = *timers[random() % timers.size()];
    if (random() % 3 == 0) {
      heap.stop(timer);
    } else {
      heap.start(timer, loop, at(static_cast<int>(random() % 1000)));
    }
  }
  std::vector<std::pair<TimePoint, int>> expected;
  for (int n = 0; n < 500; ++n)
    if (const Timer& timer = *timers[static_cast<std::size_t>(n)]; timer.is_running())
      expected.emplace_back(timer.due_, n);
  std::ranges::sort(expected);
  heap.expire(at(1000));
  ASSERT_EQ(order.size(), expected.size());
  for (std::size_t n = 1; n < order.size(); ++n)
    EXPECT_LE(timers[static_cast<std::size_t>(order[n - 1])]->due_,
              timers[static_cast<std::size_t>(order[n])]->due_);
}

TEST_F(TimerHeapTest, ADeadHeapLeavesItsTimersStopped) {
  const auto timer = probe(1);
  {
    TimerHeap other;
    other.start(*timer, loop, at(1));
  }
  EXPECT_FALSE(timer->is_running());
}

}  // namespace
}  // namespace postrider::runtime
