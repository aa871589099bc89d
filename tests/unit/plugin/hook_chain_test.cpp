// SPDX-License-Identifier: MIT
// Judge chains: order, failure policies, limits, shadow mode, the breaker, dropping.
#include "unit/plugin/bench.hpp"

namespace postrider::plugin {
namespace {

using HookChainTest = PluginTest;
using Verb = Verdict::Action;

TEST_F(HookChainTest, WithoutHooksTheAnswerIsReady) {
  const auto set = make({});
  postrider::testing::FakeSession session(runtime_);
  Task<Verdict> task = set->connect(session);
  EXPECT_TRUE(task.await_ready());
  EXPECT_TRUE(task.take().is_pass());
}

TEST_F(HookChainTest, HooksThatDoNotWaitMakeNoFrame) {
  const auto set = make({conduct("pass", "a"), conduct("reject", "b"), conduct("accept", "c")});
  postrider::testing::FakeSession session(runtime_);
  Task<Verdict> task = set->connect(session);
  ASSERT_TRUE(task.await_ready());
  const Verdict verdict = task.take();
  EXPECT_EQ(verdict.action(), Verb::reject);
  EXPECT_EQ(verdict.reply().line(), "550 5.7.1 Not here");
}

TEST_F(HookChainTest, FirstAnswerWinsAlsoWhenOthersWait) {
  const auto set = make({conduct("pass", "a", 3), conduct("pass", "b"), conduct("defer", "c", 2),
                         conduct("reject", "d")});
  const TimePoint began = runtime_.now();
  EXPECT_EQ(connect(*set).action(), Verb::defer);
  EXPECT_EQ(runtime_.now() - began, 50ms);
}

TEST_F(HookChainTest, AThrowFollowsThePolicyAndIsNamed) {
  for (const char* how :
       {"throw", "throw-int", "late-throw", "garbage", "garbage-action", "hold"}) {
    Block block = conduct(how, "faulty");
    auto set = make({block});
    EXPECT_EQ(connect(*set).reply().code, 451) << how;
    block.on_error = FailurePolicy::pass;
    set = make({block, conduct("accept", "next")});
    EXPECT_EQ(connect(*set).action(), Verb::accept) << how;
    block.on_error = FailurePolicy::reject;
    set = make({block});
    EXPECT_EQ(connect(*set).reply().line(), "554 5.3.0 Local policy cannot be checked") << how;
  }
  const std::string text = log_text();
  EXPECT_NE(
      text.find("event=\"plugin failed\" plugin=faulty hook=connect reason=\"thrown by conduct\""),
      text.npos);
  EXPECT_NE(text.find("reason=\"thrown late by conduct\""), text.npos);
  EXPECT_NE(text.find("reason=\"reject without a 5yz reply\""), text.npos);
  EXPECT_NE(text.find("reason=\"no such verdict\""), text.npos);
  EXPECT_NE(text.find("hold or discard where there is no message"), text.npos);
}

TEST_F(HookChainTest, AHangEndsAtTheLimit) {
  Block block = conduct("hang");
  block.hook_timeout = 7s;
  auto set = make({block});
  const TimePoint began = runtime_.now();
  const Verdict verdict = connect(*set);
  EXPECT_EQ(verdict.reply().line(),
            "451 4.3.0 Local policy cannot be checked now, try again later");
  EXPECT_EQ(runtime_.now() - began, 7s);
  block.on_timeout = FailurePolicy::pass;
  set = make({block});
  EXPECT_TRUE(connect(*set).is_pass());
  EXPECT_NE(log_text().find("event=\"plugin timed out\" plugin=conduct hook=connect"),
            std::string::npos);
  EXPECT_EQ(set->view()[0].hooks[0].counter.timeouts, 1U);
}

TEST_F(HookChainTest, ShadowIsLoggedAndNotApplied) {
  for (const char* how : {"reject", "throw", "hang", "garbage"}) {
    Block block = conduct(how, "shy");
    block.mode = Mode::shadow;
    EXPECT_TRUE(connect(*make({block})).is_pass()) << how;
  }
  EXPECT_NE(log_text().find("event=\"verdict not applied\" plugin=shy hook=connect action=reject "
                            "reply=\"550 5.7.1 Not here\" reason=conduct"),
            std::string::npos);
}

TEST_F(HookChainTest, ShadowEditsNothing) {
  Block block = conduct("rewrite", "shy", 2);
  block.mode = Mode::shadow;
  postrider::testing::FakeSession session(runtime_);
  Transaction transaction;
  Recipient recipient{Path::parse("one@example.org").value(), {}};
  postrider::testing::FakeMessage message("A: b\r\n\r\nc\r\n");
  const auto shadow = make({block});
  EXPECT_TRUE(run(shadow->rcpt(session, transaction, recipient)).is_pass());
  EXPECT_TRUE(run(shadow->message(session, transaction, message)).is_pass());
  EXPECT_EQ(recipient.path.text(), "one@example.org");
  EXPECT_TRUE(message.prepended.empty());
  const auto active = make({conduct("rewrite", "bold", 2)});
  EXPECT_TRUE(run(active->rcpt(session, transaction, recipient)).is_pass());
  EXPECT_TRUE(run(active->message(session, transaction, message)).is_pass());
  EXPECT_EQ(recipient.path.text(), "other@example.org");
  EXPECT_EQ(message.prepended.size(), 1U);
}

TEST_F(HookChainTest, TheBreakerRestsAPluginAfterTenFailures) {
  const auto set = make({conduct("throw")});
  for (unsigned i = 0; i < 20; ++i) EXPECT_EQ(connect(*set).reply().code, 451);
  EXPECT_EQ(set->view()[0].hooks[0].counter.errors, kBreakerFailures);
  EXPECT_TRUE(set->view()[0].is_bypassed);
  runtime_.loop.advance(kBreakerPause);
  EXPECT_FALSE(set->view()[0].is_bypassed);
  connect(*set);
  connect(*set);
  EXPECT_EQ(set->view()[0].hooks[0].counter.errors, kBreakerFailures + 1);
  const std::string text = log_text();
  EXPECT_NE(text.find("plugin bypassed after too many failures"), text.npos);
}

TEST_F(HookChainTest, CanBeDroppedAtEverySuspension) {
  for (int wait = 0; wait < 8; ++wait) {
    const auto set = make({conduct("pass", "a", 3), conduct("hang", "b", 3)});
    postrider::testing::FakeSession session(runtime_);
    Task<Verdict> task = set->connect(session);
    task.start();
    for (int i = 0; i < wait; ++i) runtime_.loop.advance(10ms);
    EXPECT_FALSE(task.is_done());
    task.reset();
    EXPECT_EQ(runtime_.loop.timers(), 0U);
  }
}

TEST_F(HookChainTest, BlockingWorkComesBackToTheLoop) {
  const auto set = make({conduct("block")});
  postrider::testing::FakeSession session(runtime_);
  Task<Verdict> task = set->connect(session);
  task.start();
  runtime_.take_posts();
  ASSERT_TRUE(task.is_done());
  EXPECT_TRUE(task.take().is_pass());
  Task<Verdict> dropped = set->connect(session);
  dropped.start();
  dropped.reset();
  runtime_.take_posts();  // the work ended; nobody is resumed
}

}  // namespace
}  // namespace postrider::plugin
