// SPDX-License-Identifier: MIT
// Messages whose time is up: the loops of all destinations are asked, and the sender hears of all
// that failed at once, in one durable step, whatever is under way or the operator does meanwhile.
#include <algorithm>

#include "queue_world.hpp"

namespace postrider::queue {
namespace {

struct GiveUpTest : QueueWorld, ::testing::WithParamInterface<unsigned> {
  GiveUpTest() : QueueWorld(GetParam()) {
    chains->hooked = true;
    chains->reporting = true;
    manual = true;
    options.attempt_limit = 10 * 24h;
    restart();
  }
  LoopQueue& queue_of(const std::string& name) { return queue(loop_of(domain(name), loops_)); }
  Delivery take(const std::string& name) { return queue_of(name).take(domain(name)).value(); }
  void finish(Delivery delivery, const Answer& with) {
    DeliveryResult result = with(delivery);
    LoopQueue& queue = queue_of(delivery.destination.name);
    queue.finish(std::move(delivery), std::move(result));
    world->run_for(1s);
  }
  std::string told() const {
    std::string text;
    for (const RecipientOutcome& o : chains->seen)
      text += o.recipient.path.text() + (o.attempted ? " tried" : " waited") + " " +
              o.outcome.status.text() + ", ";
    return text;
  }
  std::string only_states() const {
    std::string text;
    for (const auto& queue : queues)
      for (const MessageView& message : queue->list({}))
        for (const RecipientView& one : message.recipients)
          text += std::string(state_name(one.state)) + " ";
    return text;
  }
  std::size_t steps_with_reports(std::size_t reports) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        store->transactions, [&](const Recorded& r) { return r.added.size() == reports; }));
  }
  template <class Command>
  std::size_t everywhere(Command command, const std::string& recipient) {
    Selection selection;
    selection.recipient = recipient;
    std::size_t changed = 0;
    for (const auto& queue : queues) changed += (queue.get()->*command)(selection);
    world->run_for(1s);
    return changed;
  }
};

TEST_P(GiveUpTest, AllDestinationsEndInOneStep) {
  submit({"u@a.example", "v@b.example", "w@c.example", "x@d.example", "y@a.example"});
  world->run_for(5 * 24h + 1s);
  EXPECT_EQ(told(),
            "u@a.example waited 5.4.7, v@b.example waited 5.4.7, w@c.example waited 5.4.7, "
            "x@d.example waited 5.4.7, y@a.example waited 5.4.7, ");
  EXPECT_EQ(steps_with_reports(5), 1U) << "one commit, with what the one call of the hooks wrote";
}

TEST_P(GiveUpTest, AnAttemptUnderWayIsWaitedFor) {
  submit({"u@a.example", "v@b.example", "w@c.example"});
  Delivery active = take("b.example");
  world->run_for(5 * 24h + 1h);
  EXPECT_EQ(told(), "");
  finish(std::move(active), no_connection);
  EXPECT_EQ(told(),
            "u@a.example waited 5.4.7, v@b.example tried 5.4.7, w@c.example waited 5.4.7, ");
  EXPECT_EQ(steps_with_reports(3), 1U);
}

TEST_P(GiveUpTest, ACalendarThatJumpsGivesNothingUp) {
  submit({"u@a.example", "v@b.example"});
  Delivery active = take("b.example");
  world->jump_wall(6 * 24h);
  finish(std::move(active), greylisted);  // before any timer rings
  EXPECT_EQ(only_states(), "queued delayed ");
  world->run_for(4 * 24h);
  EXPECT_EQ(told(), "v@b.example tried 4.7.1, ");
  world->jump_wall(-300 * 24h);
  world->run_for(1h);
  restart();  // the times that moved are in the store
  world->run_for(22h);
  EXPECT_EQ(told(), "v@b.example tried 4.7.1, ");
  world->run_for(1h);
  EXPECT_EQ(told(),
            "v@b.example tried 4.7.1, u@a.example waited 5.4.7, v@b.example waited 5.4.7, ");
}

// A machine began in 1970, found mail of today in its spool, and then its clock was put right.
TEST_P(GiveUpTest, MailFromBeforeAWrongCalendarIsNotKeptForEver) {
  submit({"u@a.example"});
  world->jump_wall(-20'000 * 24h);
  restart();
  submit({"v@b.example"});
  world->run_for(1h);
  world->jump_wall(20'000 * 24h);
  world->run_for(4 * 24h);
  EXPECT_EQ(told(), "");
  world->run_for(24h + 3h);  // a jump is noticed within an hour
  EXPECT_EQ(chains->seen.size(), 2U) << told();
}

TEST_P(GiveUpTest, WhatIsDeliveredMeanwhileDoesNotWaitForTheRest) {
  const std::string id = submit({"u@a.example", "v@b.example", "w@c.example"});
  Delivery one = take("a.example");
  Delivery two = take("b.example");
  world->run_for(5 * 24h + 1s);
  finish(std::move(one), delivered);
  EXPECT_EQ(told(), "u@a.example tried 2.0.0, ");
  ASSERT_FALSE(store->transactions.back().updated.empty()) << "durable, or it is sent twice";
  finish(std::move(two), delivered);
  EXPECT_EQ(told(), "u@a.example tried 2.0.0, v@b.example tried 2.0.0, w@c.example waited 5.4.7, ");
  EXPECT_FALSE(store->durable.contains(Queue::parse_id(id).value()));
}

TEST_P(GiveUpTest, TheOperatorMayTakeRecipientsOutMeanwhile) {
  submit({"u@a.example", "v@b.example", "w@c.example", "x@d.example"});
  Delivery active = take("b.example");
  world->run_for(5 * 24h + 1s);
  EXPECT_EQ(everywhere(&LoopQueue::retry, "w@c.example"), 0U) << "it has come to its end";
  EXPECT_EQ(everywhere(&LoopQueue::hold, "u@a.example"), 1U);
  EXPECT_EQ(everywhere(&LoopQueue::remove, "x@d.example"), 1U);
  finish(std::move(active), no_connection);
  EXPECT_EQ(told(), "v@b.example tried 5.4.7, w@c.example waited 5.4.7, ");
  EXPECT_EQ(everywhere(&LoopQueue::release, "u@a.example"), 1U);
  finish(take("a.example"), no_connection);
  EXPECT_EQ(chains->seen.size(), 3U) << "released too late: one attempt, then it is told too";
}

TEST_P(GiveUpTest, ARestartMeanwhileLosesNothingAndTellsNothingTwice) {
  submit({"u@a.example", "v@b.example", "w@c.example"});
  const Delivery active = take("b.example");
  world->run_for(5 * 24h + 1s);
  restart();
  world->run_for(1s);
  EXPECT_EQ(told(),
            "u@a.example waited 5.4.7, v@b.example waited 5.4.7, w@c.example waited 5.4.7, ");
  EXPECT_EQ(steps_with_reports(3), 1U);
}

TEST_P(GiveUpTest, WhoseTimeIsUpIsShownSo) {
  submit({"u@a.example", "v@b.example"});
  finish(take("a.example"), greylisted);
  const Delivery active = take("b.example");
  world->run_for(5 * 24h + 1s);
  for (const auto& queue : queues)
    for (const MessageView& message : queue->list({})) {
      EXPECT_EQ(message.recipients.at(0).reason,
                "its time is up; the report waits for the attempts under way");
      EXPECT_FALSE(message.recipients.at(0).next_attempt);
      EXPECT_EQ(message.recipients.at(1).state, RecipientState::active);
    }
}

TEST_P(GiveUpTest, AnAttemptThatWasNoneKeepsNobodyWaiting) {
  submit({"u@a.example", "v@b.example"});
  Delivery active = take("b.example");
  world->run_for(5 * 24h + 1s);
  EXPECT_EQ(everywhere(&LoopQueue::hold, "v@b.example"), 1U);
  finish(std::move(active), [](const Delivery&) { return DeliveryResult{{}, false, true}; });
  EXPECT_EQ(told(), "u@a.example waited 5.4.7, ");
}

TEST_P(GiveUpTest, DamageFoundByTheLastAttemptLeavesAllToTheOperator) {
  submit({"u@a.example", "v@b.example"});
  Delivery active = take("b.example");
  world->run_for(5 * 24h + 1s);
  finish(std::move(active), [](const Delivery& d) {
    DeliveryResult result = greylisted(d);
    result.damage = "a sum is wrong";
    return result;
  });
  EXPECT_EQ(told(), "v@b.example tried 4.7.1, ");
  EXPECT_EQ(everywhere(&LoopQueue::release, "*"), 2U);
}

/// [[destination]] blocks that say when to give up.
struct GiveUpRulesTest : GiveUpTest {
  /// In force now and after a restart.
  void rule(const std::string& pattern, Duration give_up) {
    DestinationRule rule;
    rule.match = {pattern};
    rule.give_up = give_up;
    rules({rule});
  }
  void rules(std::vector<DestinationRule> all) {
    options.scheduler.rules = std::make_shared<const DestinationRules>(std::move(all));
    for (const auto& queue : queues) queue->set_rules(options.scheduler.rules);
    world->run_for(1ms);
  }
  /// Of the message that is no report.
  std::vector<RecipientView> recipients() const {
    for (const auto& queue : queues)
      for (const MessageView& message : queue->list({}))
        if (!message.reverse_path.empty()) return message.recipients;
    return {};
  }
  std::size_t told_of(const std::string& domain) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        chains->seen,
        [&](const RecipientOutcome& one) { return one.recipient.path.domain_key() == domain; }));
  }
};

TEST_P(GiveUpRulesTest, EachRecipientFollowsItsDestination) {
  rule("*a.example", 24h);
  const WallTime arrived = world->wall_now();
  submit({"u@a.example", "v@b.example", "w@sub.a.example", "x@c.example"});
  EXPECT_EQ(recipients().at(0).give_up_at, arrived + 24h);
  EXPECT_EQ(recipients().at(1).give_up_at, arrived + 5 * 24h);
  world->run_for(24h - 1s);
  EXPECT_EQ(told(), "");
  world->run_for(3s);
  EXPECT_EQ(told(), "u@a.example waited 5.4.7, w@sub.a.example waited 5.4.7, ");
  EXPECT_EQ(steps_with_reports(2), 1U);
  ASSERT_EQ(recipients().size(), 2U);
  EXPECT_EQ(recipients()[0].state, RecipientState::queued);
  world->run_for(4 * 24h);
  EXPECT_EQ(told(),
            "u@a.example waited 5.4.7, w@sub.a.example waited 5.4.7, v@b.example waited 5.4.7, "
            "x@c.example waited 5.4.7, ");
  EXPECT_EQ(steps_with_reports(2), 2U);
  EXPECT_TRUE(recipients().empty());
}

TEST_P(GiveUpRulesTest, AnAttemptThatEndsTooLateIsTheLast) {
  rule("a.example", 2h);
  submit({"u@a.example", "v@b.example"});
  Delivery active = take("a.example");
  world->run_for(2h + 1min);
  EXPECT_EQ(told(), "");
  finish(std::move(active), no_connection);
  EXPECT_EQ(told(), "u@a.example tried 5.4.7, ");
  EXPECT_EQ(recipients().size(), 1U);
}

TEST_P(GiveUpRulesTest, WhoseTimeComesWhileOthersEndIsToldWithThem) {
  DestinationRule early, late;
  early.match = {"a.example", "b.example"};
  early.give_up = 2h;
  late.match = {"c.example"};
  late.give_up = 3h;
  rules({early, late});
  submit({"t@a.example", "u@b.example", "v@c.example", "w@d.example"});
  Delivery active = take("b.example");
  world->run_for(3h + 1min);
  EXPECT_EQ(told(), "");
  finish(std::move(active), no_connection);
  EXPECT_EQ(told(),
            "t@a.example waited 5.4.7, u@b.example tried 5.4.7, v@c.example waited 5.4.7, ");
  EXPECT_EQ(steps_with_reports(3), 1U);
  EXPECT_EQ(recipients().size(), 1U);
}

TEST_P(GiveUpRulesTest, ARestartKeepsIt) {
  rule("a.example", 24h);
  submit({"u@a.example", "v@b.example"});
  finish(take("a.example"), greylisted);
  world->run_for(12h);
  restart();
  world->run_for(12h - 2s);
  EXPECT_EQ(told(), "u@a.example tried 4.7.1, ");
  world->run_for(3s);
  EXPECT_EQ(told(), "u@a.example tried 4.7.1, u@a.example waited 5.4.7, ");
}

TEST_P(GiveUpRulesTest, TheOperatorsTimeStandsBeforeTheRule) {
  rule("a.example", 24h);
  submit({"u@a.example", "v@b.example"});
  std::size_t changed = 0;
  for (const auto& queue : queues) changed += queue->set_give_up({}, {.after = 48h});
  EXPECT_EQ(changed, 1U);
  world->run_for(1s);
  restart();
  world->run_for(24h + 1min);
  EXPECT_EQ(told(), "");
  rule("a.example", 36h);
  world->run_for(23h + 50min);
  EXPECT_EQ(told(), "");
  world->run_for(10min);
  EXPECT_EQ(told(), "u@a.example waited 5.4.7, v@b.example waited 5.4.7, ");
}

TEST_P(GiveUpRulesTest, ANewRuleIsInForceForWhatWaits) {
  for (int i = 0; i < 700; ++i) submit({"u@a.example"});
  world->run_for(2h);
  rule("a.example", 3h);
  world->run_for(30min);
  EXPECT_EQ(told_of("a.example"), 0U);
  rule("a.example", 1h);
  world->run_for(1s);
  EXPECT_EQ(told_of("a.example"), 700U);

  submit({"u@b.example"});
  rule("b.example", 9 * 24h);
  world->run_for(8 * 24h);
  EXPECT_EQ(told_of("b.example"), 0U);
  rules({});
  world->run_for(1s);
  EXPECT_EQ(told_of("b.example"), 1U);
}

TEST_P(GiveUpRulesTest, WhatIsReleasedTooLateHasOneAttemptEach) {
  rule("a.example", 2h);
  submit({"u@a.example", "v@b.example"});
  EXPECT_EQ(everywhere(&LoopQueue::hold, ""), 2U);
  world->run_for(3h);
  EXPECT_EQ(everywhere(&LoopQueue::release, ""), 2U);
  EXPECT_EQ(told(), "");
  finish(take("b.example"), greylisted);
  finish(take("a.example"), greylisted);
  EXPECT_EQ(told(), "v@b.example tried 4.7.1, u@a.example tried 5.4.7, ");
}

TEST_P(GiveUpRulesTest, ADelayIsToldWithTheTimeOfTheDestination) {
  chains->notice = 4h;
  rule("a.example", 24h);
  const WallTime arrived = world->wall_now();
  submit({"u@a.example", "v@b.example"});
  world->run_for(4h + 1s);
  ASSERT_EQ(told(), "u@a.example waited 4.4.0, v@b.example waited 4.4.0, ");
  EXPECT_EQ(chains->seen[0].give_up_at, arrived + 24h);
  EXPECT_EQ(chains->seen[1].give_up_at, arrived + 5 * 24h);
}

INSTANTIATE_TEST_SUITE_P(Loops, GiveUpRulesTest, ::testing::Values(1U, 3U),
                         [](const auto& info) { return "Loops" + std::to_string(info.param); });

INSTANTIATE_TEST_SUITE_P(Loops, GiveUpTest, ::testing::Values(1U, 3U),
                         [](const auto& info) { return "Loops" + std::to_string(info.param); });

}  // namespace
}  // namespace postrider::queue
