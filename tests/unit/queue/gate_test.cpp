// SPDX-License-Identifier: MIT
// Destinations that the operator closes: nothing begins there, everything else goes on, and all of
// it is tried when they are opened.
#include "queue/gate.hpp"

#include "queue_world.hpp"

namespace postrider::queue {
namespace {

GatePtr suspending(std::vector<std::string> patterns, std::optional<Closure> closed = {}) {
  auto gate = std::make_shared<Gate>();
  gate->closed = std::move(closed);
  for (std::string& pattern : patterns)
    gate->suspended.push_back({.pattern = std::move(pattern), .since = {}, .reason = "upgrade"});
  return gate;
}

struct Gates : QueueWorld {
  void set(const GatePtr& gate) {
    for (auto& queue : queues) queue->set_gate(gate);
    world->run_for(1s);
  }
  std::size_t tried(const std::string& destination) const {
    return static_cast<std::size_t>(
        std::ranges::count(tries, destination, &QueueWorld::Try::destination));
  }
};

TEST_F(Gates, ASuspendedDestinationIsNotTriedAndOthersAre) {
  set(suspending({"x.example"}));
  submit({"a@x.example", "b@y.example"});
  submit({"c@x.example"});
  world->run_for(2 * 24h);
  EXPECT_EQ(tried("x.example"), 0U);
  EXPECT_EQ(tried("y.example"), 1U);
  const auto views = queue().destinations();
  ASSERT_EQ(views.size(), 1U);
  EXPECT_EQ(views[0].ready, 2U);
  ASSERT_TRUE(views[0].closed);
  EXPECT_EQ(views[0].closed->why, "its destination is suspended by the operator: upgrade");
  EXPECT_EQ(views[0].closed->since, WallTime());
  EXPECT_EQ(views[0].closed->until, "postrider destination resume x.example");
  set(suspending({}));
  EXPECT_EQ(tried("x.example"), 2U);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(Gates, PatternsAndTheWholeGate) {
  set(suspending({"*.x.example", "z*"}));
  submit({"a@mail.x.example"});
  submit({"a@x.example"});
  submit({"a@zet.example"});
  EXPECT_EQ(tries.size(), 1U);
  EXPECT_EQ(tried("x.example"), 1U);
  const Closure mode{.why = "the mode is inbound-only: nothing is tried"};
  set(suspending({}, mode));
  submit({"a@x.example"});
  EXPECT_EQ(tries.size(), 1U);
  for (const DestinationView& view : queue().destinations()) EXPECT_EQ(view.closed, mode);
  set(suspending({"z*"}));
  EXPECT_EQ(tries.size(), 3U);
  EXPECT_EQ(tried("zet.example"), 0U);
  set(suspending({}));
  EXPECT_EQ(tries.size(), 4U);
}

TEST_F(Gates, WhatIsDelayedBecomesDueMeanwhileAndIsTriedAtTheEnd) {
  answer = greylisted;
  submit({"a@x.example"});
  set(suspending({"x.example"}));
  world->run_for(3h);
  EXPECT_EQ(tries.size(), 1U);
  answer = delivered;
  set(suspending({}));
  EXPECT_EQ(tries.size(), 2U);
}

TEST_F(Gates, AnAttemptUnderWayGoesOn) {
  manual = true;
  submit({"a@x.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  submit({"b@x.example"});
  set(suspending({"x.example"}));
  EXPECT_FALSE(queue().take(domain("x.example")));
  DeliveryResult result = delivered(*delivery);
  queue().finish(std::move(*delivery), std::move(result));
  world->run_for(1s);
  EXPECT_EQ(store->durable.size(), 1U);
  EXPECT_FALSE(queue().take(domain("x.example")));
  set(suspending({}));
  EXPECT_TRUE(queue().take(domain("x.example")));
}

TEST_F(Gates, MailThatWaitsTooLongIsGivenUpAllTheSame) {
  set(suspending({"*"}));
  submit({"a@x.example"});
  world->run_for(6 * 24h);
  EXPECT_TRUE(tries.empty());
  EXPECT_EQ(only().state, RecipientState::failed);
}

TEST_F(Gates, AThousandDestinationsOpenInSlices) {
  set(suspending({"*"}));
  for (int i = 0; i < 1000; ++i) submit({"a@x" + std::to_string(i) + ".example"});
  EXPECT_TRUE(tries.empty());
  std::size_t slices = 0, shown = 0;
  for (std::optional<std::size_t> place = 0; place; ++slices)
    place = queue().destinations(*place, [&](const DestinationView&) { ++shown; });
  EXPECT_EQ(shown, 1000U);
  EXPECT_GE(slices, 4U);
  set(suspending({}));
  EXPECT_EQ(tries.size(), 1000U);
  world->run_for(1h);
  EXPECT_TRUE(queue().destinations().empty());  // and forgotten in time
}

TEST_F(Gates, AnIdleDestinationIsForgottenWhileClosed) {
  submit({"a@x.example"});
  set(suspending({"*"}));
  const std::string id = submit({"b@x.example"});
  EXPECT_EQ(queue().remove(by_id(id)), 1U);
  world->run_for(1h);
  EXPECT_TRUE(queue().destinations().empty());
  set(suspending({}));
  submit({"c@x.example"});
  EXPECT_EQ(tries.size(), 2U);
}

}  // namespace
}  // namespace postrider::queue
