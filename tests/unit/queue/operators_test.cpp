// SPDX-License-Identifier: MIT
// What operators do, and what a restart finds again.
#include "queue_world.hpp"

namespace postrider::queue {
namespace {

using Operators = QueueWorld;
using Restart = QueueWorld;

TEST_F(Operators, HoldSurvivesEverythingUntilReleased) {
  answer = greylisted;
  const std::string id = submit({"a@x.example"});
  EXPECT_EQ(queue().hold(by_id(id)), 1U);
  EXPECT_EQ(only().state, RecipientState::held);
  EXPECT_EQ(only().reason, "held by the operator; before: greylisted");
  EXPECT_EQ(queue().hold(by_id(id)), 0U);
  world->run_for(1s);
  restart();
  EXPECT_EQ(only().state, RecipientState::held);
  world->run_for(6 * 24h);
  EXPECT_EQ(tries.size(), 1U);
  EXPECT_EQ(only().state, RecipientState::held);  // not given up while held
  EXPECT_EQ(queue().counts().held, 1U);
  EXPECT_EQ(queue().release(by_id(id)), 1U);
  world->run_for(1s);
  EXPECT_EQ(tries.size(), 2U);
  EXPECT_EQ(only().state, RecipientState::failed);  // the one more attempt came too late
  EXPECT_EQ(only().status, "5.4.7");
}

// All of the message is held, whichever destination found out, and no host is to blame.
TEST_F(Operators, ADamagedMessageIsHeldWithTheReason) {
  manual = true;
  const std::string id = submit({"a@x.example", "b@y.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  DeliveryResult result = all(*delivery, outcome(Action::delayed, {4, 3, 0}, "cannot read"));
  result.damage = "big/1.eml has other octets";
  queue().finish(std::move(*delivery), std::move(result));
  EXPECT_FALSE(queue().take(domain("y.example")));
  const auto listed = queue().list({});
  ASSERT_EQ(listed.size(), 1U);
  for (const RecipientView& recipient : listed[0].recipients) {
    EXPECT_EQ(recipient.state, RecipientState::held);
    EXPECT_EQ(recipient.reason, "damaged: big/1.eml has other octets");
  }
  for (const DestinationView& view : queue().destinations()) {
    EXPECT_EQ(view.failures, 0U);
    EXPECT_EQ(view.back_off, Duration{});
  }
  EXPECT_EQ(log.count("a message is held queue_id=" + id), 1U);
  world->run_for(6 * 24h);  // not given up
  manual = false;
  restart();
  EXPECT_EQ(queue().counts().held, 2U);
  EXPECT_EQ(queue().release(by_id(id)), 2U);
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(Operators, HeldOnArrival) {
  Submission s = submission({"a@x.example"});
  s.hold = true;
  ASSERT_TRUE(world->finish(queue().submit(std::move(s))));
  world->run_for(1h);
  EXPECT_TRUE(tries.empty());
  EXPECT_EQ(only().reason, "held on arrival");
  EXPECT_EQ(queue().release({}), 1U);
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(Operators, HoldDuringAnAttemptKeepsWhatTheAttemptSays) {
  manual = true;
  const std::string id = submit({"a@x.example", "b@x.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  Selection active;
  active.state = RecipientState::active;
  EXPECT_EQ(queue().hold(active), 2U);
  queue().finish(std::move(*delivery), {{outcome(Action::delivered, {2, 0, 0}),
                                         outcome(Action::delayed, {4, 2, 0}, "mailbox busy")},
                                        false,
                                        false});
  world->run_for(1h);
  EXPECT_EQ(only().address, "b@x.example");
  EXPECT_EQ(only().state, RecipientState::held);
  EXPECT_EQ(queue().take(domain("x.example")), std::nullopt);
  EXPECT_EQ(queue().release(by_id(id)), 1U);
  EXPECT_TRUE(queue().take(domain("x.example")));
}

TEST_F(Operators, ReleaseDuringTheAttemptIsTriedAtOnceAfterIt) {
  manual = true;
  const std::string id = submit({"a@x.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(queue().hold(by_id(id)), 1U);
  EXPECT_EQ(queue().release(by_id(id)), 1U);
  DeliveryResult result = greylisted(*delivery);
  queue().finish(std::move(*delivery), std::move(result));
  EXPECT_TRUE(queue().take(domain("x.example")));
}

TEST_F(Operators, RemoveIsDurableAndWins) {
  manual = true;
  const std::string id = submit({"a@x.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(queue().remove(by_id(id)), 1U);
  EXPECT_TRUE(queue().list({}).empty());
  DeliveryResult result = greylisted(*delivery);
  queue().finish(std::move(*delivery), std::move(result));
  world->run_for(1h);
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(queue().counts().messages, 0U);
  EXPECT_EQ(queue().take(domain("x.example")), std::nullopt);
}

TEST_F(Operators, WhatIsRemovedWhileItsReportIsWrittenIsNotReported) {
  chains->hooked = chains->reporting = true;
  chains->notice = 4h;
  answer = unknown_user;
  const std::string failed = submit({"a@x.example"});
  EXPECT_EQ(queue().remove(by_id(failed)), 1U);
  world->run_for(10s);
  answer = greylisted;
  const std::string late = submit({"a@x.example"});
  world->run_for(4h - 100ms);
  ASSERT_TRUE(world->run_until([&] { return !queue().is_settled(); }, 1s));
  EXPECT_EQ(queue().remove(by_id(late)), 1U);
  world->run_for(10s);
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(std::ranges::count_if(store->transactions,
                                  [](const Recorded& r) { return !r.added.empty(); }),
            2);
  EXPECT_EQ(log.count("cannot be saved"), 0U);
}

TEST_F(Operators, RemoveTakesTheSelectedRecipientsOnly) {
  answer = greylisted;
  submit({"a@x.example", "b@x.example"});
  Selection one;
  one.recipient = "a@*";
  EXPECT_EQ(queue().remove(one), 1U);
  world->run_for(1s);
  EXPECT_EQ(only().address, "b@x.example");
  restart();
  EXPECT_EQ(only().address, "b@x.example");
}

TEST_F(Operators, RetryMakesDueNow) {
  answer = no_connection;
  const std::string id = submit({"a@x.example"});
  answer = delivered;
  EXPECT_EQ(queue().retry(by_id(id)), 1U);
  world->run_for(1s);
  EXPECT_EQ(tries.size(), 2U);
  EXPECT_TRUE(store->durable.empty());
}

// One courier probes a host that failed: what he takes must not be the fresh mail.
TEST_F(Operators, WhatIsAskedForIsWhatIsTriedAtADeadHost) {
  std::vector<std::string> tried;
  answer = [&](const Delivery& delivery) {
    tried.push_back(delivery.message->queue_id());
    return no_connection(delivery);
  };
  const std::string old = submit({"a@x.example"});
  submit({"b@x.example"});
  const std::string fresh = submit({"c@x.example"});
  submit({"d@x.example"});
  EXPECT_EQ(tried, std::vector({old}));
  EXPECT_EQ(queue().retry(by_id(old)), 1U);
  world->run_for(1s);
  EXPECT_EQ(tried, std::vector({old, old}));
  EXPECT_EQ(queue().retry(by_id(fresh)), 1U);  // not the first of those that were never tried
  world->run_for(1s);
  EXPECT_EQ(tried, std::vector({old, old, fresh}));
}

TEST_F(Operators, WhatIsAskedForDuringAnAttemptIsTriedAfterItAllTheSame) {
  manual = true;
  const std::string first = submit({"a@x.example"});
  const std::string second = submit({"b@x.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  world->run_for(10s);
  EXPECT_EQ(queue().retry(by_id(second)), 1U);
  DeliveryResult result = no_connection(*delivery);
  queue().finish(std::move(*delivery), std::move(result));
  delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery) << "the attempt that was under way used it up";
  EXPECT_EQ(delivery->message->queue_id(), second);
  result = no_connection(*delivery);
  queue().finish(std::move(*delivery), std::move(result));
  EXPECT_FALSE(queue().take(domain("x.example")));  // asked for once, tried once
}

TEST_F(Operators, RetryOfTheFailedEndsTheBackOffToo) {
  answer = [](const Delivery& delivery) {
    return delivery.message->recipients().front().path.local_part() == "bad"
               ? unknown_user(delivery)
               : no_connection(delivery);
  };
  const std::string failed = submit({"bad@x.example"});
  submit({"a@x.example"});
  Selection selection = by_id(failed);
  selection.state = RecipientState::failed;
  answer = delivered;
  EXPECT_EQ(queue().retry(selection), 1U);
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(Operators, RetryOfTheFailedMustBeSaid) {
  answer = unknown_user;
  submit({"a@x.example"});
  EXPECT_EQ(queue().retry({}), 0U);
  answer = delivered;
  Selection failed;
  failed.state = RecipientState::failed;
  EXPECT_EQ(queue().retry(failed), 1U);
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(Operators, RetryWhileHooksHearOfTheEndSendsNothingTwice) {
  chains->hooked = true;
  const std::string id = submit({"a@x.example"});
  EXPECT_EQ(only().state, RecipientState::queued);  // delivered, but not told yet
  EXPECT_EQ(queue().retry(by_id(id)), 0U);
  EXPECT_EQ(queue().hold(by_id(id)), 1U);
  EXPECT_EQ(queue().release(by_id(id)), 0U);
  world->run_for(1h);
  EXPECT_EQ(tries.size(), 1U);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(Operators, ListFiltersAndLimits) {
  answer = greylisted;
  for (int i = 0; i < 5; ++i) submit({"a@x" + std::to_string(i) + ".example"});
  Selection s;
  EXPECT_EQ(queue().list(s).size(), 5U);
  s.limit = 2;
  EXPECT_EQ(queue().list(s).size(), 2U);
  s = {};
  s.destination = "x3.*";
  ASSERT_EQ(queue().list(s).size(), 1U);
  EXPECT_EQ(queue().list(s)[0].size, 20U);
  EXPECT_EQ(queue().list(s)[0].reverse_path, "me@home.example");
  s = {};
  s.sender = "*@elsewhere.example";
  EXPECT_TRUE(queue().list(s).empty());
  s = {};
  s.state = RecipientState::failed;
  EXPECT_TRUE(queue().list(s).empty());
  EXPECT_TRUE(queue().list(by_id("nonsense")).empty());
  EXPECT_EQ(queue().counts().delayed, 5U);
  EXPECT_EQ(queue().counts().destinations, 5U);
  EXPECT_EQ(queue().destinations().size(), 5U);
}

TEST_F(Restart, HonoursTheNextAttemptAndTheGiveUpTime) {
  answer = greylisted;
  const WallTime arrived = world->wall_now();
  submit({"a@x.example"});
  world->run_for(3min);
  restart();
  EXPECT_EQ(tries.size(), 1U);
  EXPECT_EQ(only().next_attempt.value() - arrived, 10min);
  world->run_for(7min);
  ASSERT_EQ(tries.size(), 2U);
  EXPECT_EQ(tries[1].when - arrived, 10min);
  EXPECT_EQ(only().attempts, 2U);
  EXPECT_EQ(only().next_attempt.value() - tries[1].when, 20min);
  queues.clear();
  world->run_for(6 * 24h);  // the machine was off
  options.give_up = 30 * 24h;
  restart();
  EXPECT_EQ(only().state, RecipientState::failed);
}

TEST_F(Restart, MailFlowsBeforeAllOfItWasReadAgain) {
  manual = true;
  for (int i = 0; i < 1000; ++i) submit({"a@x" + std::to_string(i) + ".example"});
  manual = false;
  std::optional<std::uint64_t> known;
  answer = [&](const Delivery& delivery) {
    if (!known) known = queue().counts().messages;
    return delivered(delivery);
  };
  restart();
  world->run_for(1s);
  ASSERT_TRUE(known);
  EXPECT_LE(*known, 256U);
  EXPECT_EQ(tries.size(), 1000U);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(Restart, WhatWasUnderWayIsTriedAgain) {
  manual = true;
  submit({"a@x.example"});
  ASSERT_TRUE(queue().take(domain("x.example")));
  manual = false;
  restart();
  EXPECT_EQ(tries.size(), 1U);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(Restart, ACrashBeforeTheCommitOfAnOutcomeLosesNothing) {
  chains->hooked = chains->reporting = true;
  answer = [this](const Delivery& d) {
    if (!d.message->reverse_path().is_null()) store->paused = true;
    return d.message->reverse_path().is_null() ? greylisted(d) : unknown_user(d);
  };
  submit({"a@x.example"});
  world->run_for(1s);
  EXPECT_EQ(queue().counts().messages, 1U);
  EXPECT_FALSE(queue().is_settled());
  EXPECT_EQ(store->durable.size(), 1U);
  store->move_to(world->loop());  // the commit under way is lost
  store->paused = false;
  answer = [](const Delivery& d) {
    return d.message->reverse_path().is_null() ? greylisted(d) : unknown_user(d);
  };
  restart();
  world->run_for(1s);
  EXPECT_EQ(only().address, "me@home.example");
  EXPECT_EQ(store->durable.size(), 1U);
}

TEST_F(Restart, WhatCannotBeReadIsHeldAndShown) {
  answer = greylisted;
  submit({"a@x.example"});
  submit({"b@x.example"});
  store->durable.begin()->second.envelope = "e9 from the future";
  store->durable.rbegin()->second.state = "s1 nonsense";
  restart();
  const auto views = queue().list({});
  ASSERT_EQ(views.size(), 2U);
  EXPECT_EQ(views[0].recipients.at(0).state, RecipientState::held);
  EXPECT_EQ(views[0].recipients.at(0).reason, "cannot be read: envelope of an unknown version");
  EXPECT_EQ(views[1].recipients.at(0).state, RecipientState::held);
  EXPECT_EQ(views[1].recipients.at(0).reason, "cannot be read: state: no give-up time");
  EXPECT_EQ(queue().counts().held, 2U);
  world->run_for(10 * 24h);
  EXPECT_EQ(tries.size(), 2U);
  EXPECT_EQ(store->durable.size(), 2U);
  EXPECT_EQ(queue().remove(by_id(views[0].queue_id)), 1U);
  answer = delivered;
  EXPECT_EQ(queue().release(by_id(views[1].queue_id)), 1U);
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(queue().counts().held, 0U);
}

}  // namespace
}  // namespace postrider::queue
