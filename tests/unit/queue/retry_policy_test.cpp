// SPDX-License-Identifier: MIT
#include "queue/retry_policy.hpp"

#include <gtest/gtest.h>

namespace postrider::queue {
namespace {

TEST(RetryPolicy, FollowsItsListAndRepeatsTheLast) {
  RetryPolicy policy({5min, 15min, 1h}, 0, 1);
  EXPECT_EQ(policy.delay_after(1), 5min);
  EXPECT_EQ(policy.delay_after(2), 15min);
  EXPECT_EQ(policy.delay_after(3), 1h);
  EXPECT_EQ(policy.delay_after(4), 1h);
  EXPECT_EQ(policy.delay_after(4000000000U), 1h);
  EXPECT_EQ(policy.delay_after(0), 5min);
}

TEST(RetryPolicy, SpreadsByItsPercentAndReachesBothEnds) {
  RetryPolicy policy({100s}, 10, 42);
  Duration least = 1h, most = 0s;
  for (int i = 0; i < 5000; ++i) {
    const Duration delay = policy.delay_after(1);
    EXPECT_GE(delay, 90s);
    EXPECT_LE(delay, 110s);
    least = std::min(least, delay);
    most = std::max(most, delay);
  }
  EXPECT_LT(least, 90500ms);
  EXPECT_GT(most, 109500ms);
}

TEST(RetryPolicy, IsTheSameForTheSameSeed) {
  RetryPolicy a({1h}, 50, 3), b({1h}, 50, 3), c({1h}, 50, 4);
  bool differs = false;
  for (std::uint32_t i = 1; i < 50; ++i) {
    const Duration delay = a.delay_after(i);
    EXPECT_EQ(delay, b.delay_after(i));
    differs = differs || delay != c.delay_after(i);
  }
  EXPECT_TRUE(differs);
}

TEST(RetryPolicy, NeverWaitsLessThanASecond) {
  EXPECT_EQ(RetryPolicy({0s}, 100, 1).delay_after(1), 1s);
  EXPECT_EQ(RetryPolicy({}, 0, 1).delay_after(1), 30min);
  EXPECT_GE(RetryPolicy({2s}, 900, 1).delay_after(1), 1s);
}

TEST(RetryPolicy, GivesUpCountingFromArrival) {
  const WallTime arrived{Duration(1767225600000)};
  EXPECT_EQ(give_up_time(arrived, 5 * 24h) - arrived, 5 * 24h);
}

}  // namespace
}  // namespace postrider::queue
