// SPDX-License-Identifier: MIT
// Durations and sizes: what people write, what they get wrong, and exact round trips.
#include <gtest/gtest.h>

#include <postrider/quantity.hpp>

namespace postrider {
namespace {

TEST(Duration, ReadsOneOrMoreUnitsLargestFirst) {
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("5d"), 24h * 5);
  EXPECT_EQ(parse_duration("2w"), 24h * 14);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1m1s1ms"), 61001ms);
}

TEST(Duration, RefusesEverythingElseAndShowsWhatWouldBeRight) {
  for (const char* text :
       {"", "5", "s", "-5s", "+5s", "5 s", "5 secs", "1.5h", "30m1h", "1s1s", "5S", "1h30",
        "99999999999999999999s", "9223372036854775807s", "15250284452471w1w"})
    EXPECT_FALSE(parse_duration(text)) << text;
  EXPECT_EQ(parse_duration("5 secs").error(),
            "\"5 secs\" is not a duration; write for example \"5s\", \"500ms\" or \"1h30m\"");
}

TEST(Duration, PrintsWhatItReads) {
  EXPECT_EQ(format_duration(0ms), "0s");
  EXPECT_EQ(format_duration(90min), "1h30m");
  EXPECT_EQ(format_duration(24h * 14), "14d");
  EXPECT_EQ(format_duration(-1500ms), "-1s500ms");
  for (const Duration length : {Duration{1}, Duration{86'399'999}, Duration{INT64_MAX}})
    EXPECT_EQ(parse_duration(format_duration(length)), length);
}

TEST(Size, ReadsPowersOf1024AndOf1000) {
  EXPECT_EQ(parse_size("0"), Size{0});
  EXPECT_EQ(parse_size("512"), 512_B);
  EXPECT_EQ(parse_size("64KiB"), 64_KiB);
  EXPECT_EQ(parse_size("10MiB"), 10_MiB);
  EXPECT_EQ(parse_size("1GB"), Size{1'000'000'000});
  EXPECT_EQ(parse_size("8388607TiB"), Size{std::uint64_t{8388607} << 40});
}

TEST(Size, RefusesEverythingElseAndShowsWhatWouldBeRight) {
  for (const char* text : {"", "10M", "MiB", "-1B", "1.5MiB", "10 MiB", "10mib", "1MiB2KiB",
                           "9000000TiB", "99999999999999999999"})
    EXPECT_FALSE(parse_size(text)) << text;
  EXPECT_EQ(parse_size("10M").error(),
            "\"10M\" is not a size; write for example \"64KiB\" or \"10MiB\"");
}

TEST(Size, PrintsTheLargestExactUnit) {
  EXPECT_EQ(format_size({}), "0B");
  EXPECT_EQ(format_size(64_KiB), "64KiB");
  EXPECT_EQ(format_size(Size{1000}), "1KB");
  EXPECT_EQ(format_size(Size{1001}), "1001B");
  EXPECT_EQ(format_size(2_GiB), "2GiB");
}

}  // namespace
}  // namespace postrider
