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

TEST_P(GiveUpTest, AnAttemptThatEndsBeforeTheAlarmBeginsTheEnd) {
  submit({"u@a.example", "v@b.example"});
  Delivery active = take("b.example");
  world->jump_wall(5 * 24h + 1s);  // no timer rings
  finish(std::move(active), unknown_user);
  EXPECT_EQ(told(), "u@a.example waited 5.4.7, v@b.example tried 5.1.1, ");
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

INSTANTIATE_TEST_SUITE_P(Loops, GiveUpTest, ::testing::Values(1U, 3U),
                         [](const auto& info) { return "Loops" + std::to_string(info.param); });

}  // namespace
}  // namespace postrider::queue
