// SPDX-License-Identifier: MIT
// The operator returns mail to its sender, and changes when it is given up.
#include "queue_world.hpp"

namespace postrider::queue {
namespace {

struct Returns : QueueWorld {
  Returns() : QueueWorld(3) {
    chains->hooked = chains->reporting = true;
    answer = [](const Delivery& d) {
      return d.message->reverse_path().is_null() ? delivered(d) : greylisted(d);
    };
  }
  std::size_t bounce(const Selection& selection, const std::string& why = "") {
    std::size_t asked = 0;
    for (auto& queue : queues) asked += queue->bounce(selection, why);
    return asked;
  }
  std::size_t give_up(const Selection& selection, const GiveUpTime& time) {
    std::size_t changed = 0;
    for (auto& queue : queues) changed += queue->set_give_up(selection, time);
    return changed;
  }
  std::vector<RecipientOutcome> failures() const {
    std::vector<RecipientOutcome> failed;
    for (const RecipientOutcome& one : chains->seen)
      if (one.outcome.action == Action::failed) failed.push_back(one);
    return failed;
  }
  /// Transactions that add a message.
  std::vector<Recorded> additions() const {
    std::vector<Recorded> found;
    for (const Recorded& one : store->transactions)
      if (!one.added.empty()) found.push_back(one);
    return found;
  }
};

TEST_F(Returns, OneReportForAllDestinationsInOneStep) {
  const std::string id = submit({"a@x.example", "b@y.example", "c@z.example"});
  world->run_for(1s);
  EXPECT_EQ(bounce(by_id(id), "wrong list"), 3U);
  EXPECT_EQ(bounce(by_id(id)), 0U);  // it is being returned
  world->run_for(10s);
  ASSERT_EQ(failures().size(), 3U);
  for (const RecipientOutcome& one : failures()) {
    EXPECT_EQ(one.outcome.status.text(), "5.0.0");
    EXPECT_EQ(one.outcome.text, "returned by the operator: wrong list; before: greylisted");
    EXPECT_FALSE(one.attempted);
    EXPECT_EQ(one.attempts, 1U);
  }
  const auto added = additions();
  ASSERT_EQ(added.size(), 2U);
  EXPECT_EQ(added[1].added.size(), 3U);  // FakeChains writes one for each failure it hears of
  EXPECT_EQ(added[1].removed.size(), 1U);
  EXPECT_EQ(added[1].durability, store::Durability::sync);
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(tries.size(), 6U);
}

TEST_F(Returns, HeldAndUntriedMailToo) {
  for (auto& queue : queues) {
    auto gate = std::make_shared<Gate>();
    gate->suspended.push_back({.pattern = "*example", .since = {}, .reason = ""});
    queue->set_gate(gate);
  }
  submit({"a@x.example"});
  const std::string held = submit({"b@y.example"});
  for (auto& queue : queues) queue->hold(by_id(held));
  EXPECT_EQ(bounce({}), 2U);
  world->run_for(1s);
  ASSERT_EQ(failures().size(), 2U);
  EXPECT_EQ(failures()[0].outcome.text.substr(0, 24), "returned by the operator");
  EXPECT_TRUE(
      std::ranges::all_of(tries, [](const Try& t) { return t.destination == "home.example"; }));
}

TEST_F(Returns, AnAttemptUnderWayIsLeftAlone) {
  manual = true;
  const std::string id = submit({"a@x.example"});
  LoopQueue& owner = queue(loop_of(domain("x.example"), 3));
  auto delivery = owner.take(domain("x.example"));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(bounce(by_id(id)), 0U);
  DeliveryResult result = greylisted(*delivery);
  owner.finish(std::move(*delivery), std::move(result));
  world->run_for(1s);
  EXPECT_TRUE(failures().empty());
  EXPECT_EQ(bounce(by_id(id)), 1U);
  world->run_for(1s);
  EXPECT_EQ(failures().size(), 1U);
}

TEST_F(Returns, ACrashBeforeTheCommitKeepsTheMail) {
  submit({"a@x.example"});
  world->run_for(1s);
  store->paused = true;
  EXPECT_EQ(bounce({}), 1U);
  world->run_for(1s);
  EXPECT_EQ(failures().size(), 1U);
  store->move_to(world->loop());
  store->paused = false;
  restart();
  EXPECT_EQ(only().state, RecipientState::delayed);
}

TEST_F(Returns, WithoutAReporterTheFailureStaysVisibleAndCanBeReturnedLater) {
  chains->reporting = false;
  submit({"a@x.example"});
  world->run_for(1s);
  EXPECT_EQ(bounce({}), 1U);
  world->run_for(1s);
  EXPECT_EQ(only().state, RecipientState::failed);
  EXPECT_EQ(only().reason, "returned by the operator; before: greylisted");
  chains->reporting = true;
  EXPECT_EQ(bounce({}), 1U);
  world->run_for(10s);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(Returns, AnEarlierGiveUpTimeIsDurable) {
  const WallTime arrived = world->wall_now();
  const std::string id = submit({"a@x.example", "b@y.example"});
  EXPECT_EQ(give_up(by_id(id), {.at = {}, .after = 2h}), 1U);
  world->run_for(1s);
  restart();
  world->run_for(1h);
  EXPECT_TRUE(failures().empty());
  world->run_for(61min);
  ASSERT_EQ(failures().size(), 2U);
  EXPECT_EQ(failures()[0].outcome.status.text(), "5.4.7");
  EXPECT_TRUE(store->durable.empty());
  EXPECT_LT(world->wall_now() - arrived, 3h);
}

TEST_F(Returns, ALaterGiveUpTimeAndOneThatHasPassed) {
  const std::string id = submit({"a@x.example"});
  submit({"b@y.example"});
  EXPECT_EQ(give_up(by_id(id), {.at = world->wall_now() + 10 * 24h, .after = {}}), 1U);
  world->run_for(6 * 24h);
  ASSERT_EQ(failures().size(), 1U);
  EXPECT_EQ(failures()[0].recipient.path.text(), "b@y.example");
  EXPECT_EQ(give_up(by_id(id), {.at = {}, .after = 1min}), 1U);
  world->run_for(1min);
  EXPECT_EQ(failures().size(), 2U);
  EXPECT_TRUE(store->durable.empty());
}

}  // namespace
}  // namespace postrider::queue
