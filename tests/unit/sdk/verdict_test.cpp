// SPDX-License-Identifier: MIT
// Verdicts: the code always fits the action, whatever a plugin puts into the reply.
#include <gtest/gtest.h>

#include <postrider/verdict.hpp>

namespace postrider {
namespace {

TEST(Verdict, SaysWhatItIs) {
  EXPECT_TRUE(pass().is_pass());
  EXPECT_TRUE(Verdict().is_pass());
  EXPECT_EQ(accept().action(), Verdict::Action::accept);
  EXPECT_EQ(hold().action(), Verdict::Action::hold);
  EXPECT_EQ(discard().action(), Verdict::Action::discard);
  EXPECT_FALSE(accept().is_refusal());
  EXPECT_TRUE(defer("451 4.7.1 Later").is_refusal());
  EXPECT_TRUE(reject("550 5.7.1 No").is_refusal());
}

TEST(Verdict, KeepsAFittingReply) {
  EXPECT_EQ(defer(Reply(452, {4, 3, 1}, "full")).reply(), Reply(452, {4, 3, 1}, "full"));
  EXPECT_EQ(reject(Reply(554, {5, 6, 0}, "bad")).reply(), Reply(554, {5, 6, 0}, "bad"));
}

TEST(Verdict, MendsACodeOfAnotherClass) {
  for (const int code : {-1, 0, 250, 354, 399, 500, 550, 1000})
    EXPECT_EQ(defer(Reply(code, {5, 1, 1}, "x")).reply(), Reply(451, {4, 3, 0}, "x")) << code;
  for (const int code : {-1, 0, 250, 354, 451, 499, 600, 1000})
    EXPECT_EQ(reject(Reply(code, {4, 1, 1}, "x")).reply(), Reply(550, {5, 7, 1}, "x")) << code;
}

TEST(Verdict, MendsAStatusOfAnotherClass) {
  EXPECT_EQ(defer(Reply(421, {}, "x")).reply(), Reply(421, {4, 0, 0}, "x"));
  EXPECT_EQ(reject(Reply(550, {4, 1, 1}, "x")).reply(), Reply(550, {5, 0, 0}, "x"));
}

TEST(Verdict, TakesAReasonAndADisconnect) {
  const Verdict verdict = reject("554 5.7.1 No").because("listed").and_disconnect();
  EXPECT_TRUE(verdict.disconnects());
  EXPECT_EQ(verdict.reason(), "listed");
  EXPECT_FALSE(pass().disconnects());
}

}  // namespace
}  // namespace postrider
