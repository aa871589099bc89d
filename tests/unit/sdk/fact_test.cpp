// SPDX-License-Identifier: MIT
// Facts: started once, awaited by who reads them, cancelled with their session.
#include <memory>
#include <stdexcept>

#include <gtest/gtest.h>

#include <postrider/fact.hpp>
#include <postrider/testing/run.hpp>

namespace postrider {
namespace {

using testing::ManualLoop;

constexpr FactKey<int> kNumber{"number"};

Task<int> later(Loop& loop, Duration delay, int value) {
  co_await sleep_for(loop, delay);
  if (value < 0) throw std::runtime_error("no number");
  co_return value;
}

Task<int> read(Facts& facts) {
  const int* value = co_await facts.get(kNumber);
  co_return value ? *value : -7;
}

TEST(Facts, AReadyValueIsThereAtOnce) {
  ManualLoop loop;
  Facts facts(loop);
  EXPECT_FALSE(facts.is_owned(kNumber));
  EXPECT_TRUE(facts.start(kNumber, Task<int>(5)));
  EXPECT_TRUE(facts.is_owned(kNumber));
  ASSERT_NE(facts.peek(kNumber), nullptr);
  EXPECT_EQ(*facts.peek(kNumber), 5);
}

TEST(Facts, TheFirstOwnerWins) {
  ManualLoop loop;
  Facts facts(loop);
  EXPECT_TRUE(facts.start(kNumber, Task<int>(5)));
  EXPECT_FALSE(facts.start(kNumber, Task<int>(6)));
  EXPECT_EQ(*facts.peek(kNumber), 5);
}

TEST(Facts, AllReadersGetTheOneValue) {
  ManualLoop loop;
  Facts facts(loop);
  facts.start(kNumber, later(loop, 3s, 8));
  Task<int> one = read(facts);
  Task<int> two = read(facts);
  one.start();
  two.start();
  loop.advance(2s);
  EXPECT_FALSE(one.is_done());
  EXPECT_EQ(facts.peek(kNumber), nullptr);
  loop.advance(1s);
  ASSERT_TRUE(one.is_done() && two.is_done());
  EXPECT_EQ(one.take() + two.take(), 16);
}

TEST(Facts, UnknownAndFailedFactsAreNull) {
  ManualLoop loop;
  Facts facts(loop);
  EXPECT_EQ(testing::run(loop, read(facts)), -7);
  facts.start(kNumber, later(loop, 1s, -1));
  EXPECT_EQ(testing::run(loop, read(facts)), -7);
  EXPECT_TRUE(facts.is_owned(kNumber));
}

TEST(Facts, AReaderMayBeDropped) {
  ManualLoop loop;
  Facts facts(loop);
  facts.start(kNumber, later(loop, 1s, 8));
  Task<int> dropped = read(facts);
  Task<int> kept = read(facts);
  dropped.start();
  kept.start();
  dropped.reset();
  loop.advance(1s);
  ASSERT_TRUE(kept.is_done());
  EXPECT_EQ(kept.take(), 8);
}

TEST(Facts, TheSessionsEndCancelsThem) {
  ManualLoop loop;
  auto facts = std::make_unique<Facts>(loop);
  facts->start(kNumber, later(loop, 1h, 8));
  EXPECT_EQ(loop.timers(), 1U);
  facts.reset();
  EXPECT_EQ(loop.timers(), 0U);
}

}  // namespace
}  // namespace postrider
