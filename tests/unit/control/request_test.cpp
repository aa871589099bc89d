// SPDX-License-Identifier: MIT
// What the daemon makes of one line from the control socket.
#include "control/request.hpp"

#include <gtest/gtest.h>

namespace postrider::control {
namespace {

constexpr WallTime kNow{std::chrono::milliseconds(1'800'000'000'000)};

std::expected<Request, std::string> options(const std::string& json) {
  return read_request(R"({"words": ["queue", "give-up"], "options": )" + json + "}", kNow);
}

TEST(Request, TakesNumbersAndTimes) {
  const auto request = options(R"({"limit": 4294967296, "attempts": 3, "offset": 7, "in": "2h"})");
  ASSERT_TRUE(request) << request.error();
  EXPECT_EQ(request->limit, 4294967296U);
  EXPECT_EQ(request->selection.attempts, 3U);
  EXPECT_EQ(request->offset, 7U);
  EXPECT_EQ(request->give_up->of(WallTime{}), kNow + 2h);
  EXPECT_EQ(options(R"({"after": "36500d"})")->give_up->of(kNow), kNow + 36500 * 24h);
}

// Numbers that C++ would bend: a limit of -1 showed nothing, and mail to be given up in a thousand
// million years was given up at once.
TEST(Request, RefusesWhatDoesNotFit) {
  for (const char* json : {R"({"limit": -1})", R"({"limit": 1.5})", R"({"offset": -1})",
                           R"({"limit": 18446744073709551615})", R"({"attempts": 4294967296})"}) {
    const auto request = options(json);
    ASSERT_FALSE(request) << json;
    EXPECT_NE(request.error().find("a whole number, 0 to "), std::string::npos) << request.error();
  }
  for (const std::string name : {"after", "in", "older_than", "younger_than"}) {
    for (const char* length : {"15250284452w", "36525d1ms"}) {
      const auto request = options("{\"" + name + "\": \"" + length + "\"}");
      ASSERT_FALSE(request) << name;
      EXPECT_EQ(request.error().find(name + ": \"" + length + "\" is longer than a century"), 0U)
          << request.error();
    }
  }
}

}  // namespace
}  // namespace postrider::control
