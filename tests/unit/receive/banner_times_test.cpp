// SPDX-License-Identifier: MIT
// Time to banner of the last minutes, not since the start, to the microsecond.
#include "receive/banner_times.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace postrider::receive {
namespace {

using std::chrono::microseconds;

constexpr TimePoint kBegin{std::chrono::hours(3)};

TEST(BannerTimes, NobodyCame) {
  const BannerTimes times;
  EXPECT_EQ(times.figures(kBegin).sessions, 0U);
  EXPECT_EQ(times.figures(kBegin).max, microseconds(0));
  EXPECT_EQ(times.figures(TimePoint{}).sessions, 0U);
}

TEST(BannerTimes, TellsLessThanAMillisecond) {
  BannerTimes times;
  for (int i = 0; i < 98; ++i) times.add(microseconds(80), kBegin);
  times.add(microseconds(300), kBegin);
  times.add(5ms, kBegin);
  const auto figures = times.figures(kBegin);
  EXPECT_EQ(figures.sessions, 100U);
  EXPECT_GE(figures.p50, microseconds(80));
  EXPECT_LE(figures.p50, microseconds(90));
  EXPECT_GE(figures.p99, microseconds(300));
  EXPECT_LE(figures.p99, microseconds(338));
  EXPECT_EQ(figures.max, microseconds(5000));
}

TEST(BannerTimes, OfOneSessionAllFiguresAreTheSame) {
  for (const auto after : {microseconds(0), microseconds(15), microseconds(16), microseconds(17),
                           microseconds(1000), microseconds(10'000'000)}) {
    BannerTimes times;
    times.add(after, kBegin);
    const auto figures = times.figures(kBegin);
    EXPECT_EQ(figures.p50, after);
    EXPECT_EQ(figures.p99, after);
    EXPECT_EQ(figures.max, after);
  }
}

TEST(BannerTimes, PercentilesAreNeverTooLowAndAtMostAnEighthTooHigh) {
  for (std::int64_t us = 1; us < 4'000'000'000; us = us * 5 / 4 + 1) {
    BannerTimes times;
    times.add(microseconds(us), kBegin);
    times.add(microseconds(us), kBegin);
    times.add(2h, kBegin);  // more than fits
    const auto figures = times.figures(kBegin);
    EXPECT_GE(figures.p50.count(), us);
    EXPECT_LE(figures.p50.count(), us + us / 8);
    EXPECT_EQ(figures.max.count(), 4294967295);
  }
}

TEST(BannerTimes, ASlowMinuteIsForgottenAfterFiveMore) {
  BannerTimes times;
  for (int i = 0; i < 100; ++i) times.add(6s, kBegin);
  for (auto at = kBegin; at < kBegin + 1h; at += 1s) {
    times.add(microseconds(100), at);
    const auto figures = times.figures(at);
    const bool sees_it = at - kBegin < BannerTimes::kWindow;
    if (sees_it) {
      EXPECT_EQ(figures.max, microseconds(6'000'000));
    } else if (at - kBegin > BannerTimes::kWindow + 10s) {
      EXPECT_EQ(figures.max, microseconds(100));
      EXPECT_EQ(figures.p99, microseconds(100));
    }
    EXPECT_LE(figures.sessions, 100U + 311U);
  }
  EXPECT_GE(times.figures(kBegin + 1h).sessions, 300U);
  EXPECT_EQ(times.figures(kBegin + 2h).sessions, 0U);  // nobody came since
}

TEST(BannerTimes, LoopsWriteAtOnce) {
  BannerTimes times;
  std::vector<std::jthread> loops;
  for (int loop = 0; loop < 3; ++loop)
    loops.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) times.add(1ms, kBegin);
    });
  loops.clear();
  EXPECT_EQ(times.figures(kBegin).sessions, 3000U);
}

}  // namespace
}  // namespace postrider::receive
