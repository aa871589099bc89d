// SPDX-License-Identifier: MIT
// Time and posts, on both runtimes.
#include <vector>

#include "rig.hpp"
#include "runtime/channel.hpp"

namespace postrider::runtime {
namespace {

template <class Rig>
class LoopTest : public OnBoth<Rig> {};
TYPED_TEST_SUITE(LoopTest, Rigs);

Task<void> sleep_then_note(Loop& loop, Duration length, std::vector<int>& notes, int note) {
  co_await sleep_for(loop, length);
  notes.push_back(note);
}

Task<void> sleepers(Loop& loop, std::vector<int>& notes) {
  TaskSet set(loop);
  const TimePoint start = loop.now();
  set.spawn(sleep_then_note(loop, 30ms, notes, 3));
  set.spawn(sleep_then_note(loop, 10ms, notes, 1));
  set.spawn(sleep_then_note(loop, 20ms, notes, 2));
  set.spawn(sleep_then_note(loop, 0ms, notes, 0));
  co_await set.join();
  EXPECT_GE(loop.now() - start, 30ms);
}

TYPED_TEST(LoopTest, SleepersWakeInOrder) {
  std::vector<int> notes;
  EXPECT_TRUE(this->run(sleepers(this->runtime(), notes)));
  EXPECT_EQ(notes, (std::vector<int>{0, 1, 2, 3}));
}

Task<int> answer_after(Loop& loop, Duration length) {
  co_await sleep_for(loop, length);
  co_return 42;
}

Task<void> limits(Loop& loop) {
  const auto in_time = co_await within(loop, 10s, answer_after(loop, 5ms));
  EXPECT_EQ(in_time, 42);
  const auto late = co_await within(loop, 5ms, answer_after(loop, 10s));
  EXPECT_EQ(late, std::nullopt);
  // Both at once: the sleep was started first, so it is the first to expire and to go on.
  const auto tie = co_await within(loop, 5ms, answer_after(loop, 5ms));
  EXPECT_EQ(tie, 42);
  const bool plain = co_await within(loop, 1ms, Task<void>());
  EXPECT_TRUE(plain);
  const auto zero = co_await within(loop, 0ms, answer_after(loop, 1h));
  EXPECT_FALSE(zero);
  const auto nested = co_await within(loop, 50ms, answer_after(loop, 1ms));
  EXPECT_EQ(nested, 42);
}

TYPED_TEST(LoopTest, WithinGivesTheFirstOfTaskAndLimit) {
  EXPECT_TRUE(this->run(limits(this->runtime())));
}

struct Ticker final : Timer {
  Ticker(Loop& on, int most) : loop(on), left(most) {}
  void expired() noexcept override {
    if (--left > 0) loop.start_timer(*this, 1ms);
    if (other) loop.stop_timer(*other);
  }
  Loop& loop;
  int left;
  Timer* other = nullptr;
};

Task<void> tick(Loop& loop) {
  Ticker ticker(loop, 5), victim(loop, 5);
  ticker.other = &victim;
  loop.start_timer(ticker, 1ms);
  loop.start_timer(victim, 20ms);
  loop.start_timer(victim, 50ms);
  co_await sleep_for(loop, 100ms);
  EXPECT_EQ(ticker.left, 0);
  EXPECT_EQ(victim.left, 5);
  {
    Ticker dropped(loop, 1);
    loop.start_timer(dropped, 1ms);
  }
  co_await sleep_for(loop, 5ms);
}

TYPED_TEST(LoopTest, TimersRestartAndStopInCallbacks) {
  EXPECT_TRUE(this->run(tick(this->runtime())));
}

Task<void> channel_order(Runtime& runtime, std::vector<int>& received) {
  const Channel<int> channel(runtime, [&received](int value) { received.push_back(value); });
  for (int n = 0; n < 100; ++n) channel.send(n);
  EXPECT_TRUE(received.empty()) << "never inline";
  while (received.size() < 100) co_await sleep_for(runtime, 1ms);
}

TYPED_TEST(LoopTest, PostsRunInOrder) {
  std::vector<int> received;
  EXPECT_TRUE(this->run(channel_order(this->runtime(), received)));
  for (int n = 0; n < 100; ++n) EXPECT_EQ(received[static_cast<std::size_t>(n)], n);
}

Task<void> yield_often(Loop& loop, int times) {
  struct Yield {
    explicit Yield(Loop& on) : loop(on) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> handle) noexcept {
      node.set_handle(handle);
      loop.make_ready(node);
    }
    void await_resume() const noexcept {}
    Loop& loop;
    ReadyNode node;
  };
  for (int n = 0; n < times; ++n) {
    Yield yield(loop);
    co_await yield;
  }
}

TYPED_TEST(LoopTest, MoreRoundsThanOneDrainDoNotSleep) {
  EXPECT_TRUE(this->run(yield_often(this->runtime(), 1000)));
}

TYPED_TEST(LoopTest, WorkNeverRunDiesWithTheLoop) {
  const auto shared = std::make_shared<int>(1);
  {
    TypeParam rig;
    rig.runtime().post([shared] { FAIL(); });
  }
  EXPECT_EQ(shared.use_count(), 1);
}

}  // namespace
}  // namespace postrider::runtime
