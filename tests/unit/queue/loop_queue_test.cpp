// SPDX-License-Identifier: MIT
// A message's way through the queue of one loop: accepted, tried, delayed, given up, reported.
#include "queue/envelope_codec.hpp"
#include "queue_world.hpp"

namespace postrider::queue {
namespace {

using LoopQueueTest = QueueWorld;

TEST_F(LoopQueueTest, AcceptedDeliveredRemoved) {
  const std::string id = submit({"a@x.example", "b@x.example"});
  ASSERT_EQ(tries.size(), 1U);
  EXPECT_EQ(tries[0].destination, "x.example");
  EXPECT_TRUE(store->durable.empty());
  ASSERT_EQ(store->transactions.size(), 2U);
  EXPECT_EQ(store->transactions[0].durability, store::Durability::sync);
  EXPECT_EQ(store->transactions[1].removed.size(), 1U);
  EXPECT_EQ(store->transactions[1].durability, store::Durability::lazy);
  EXPECT_EQ(store->bodies_read, 0);
  EXPECT_EQ(log.count("accepted queue_id=" + id), 1U);
  EXPECT_EQ(log.count("outcome queue_id=" + id), 2U);
  EXPECT_EQ(log.count("action=delivered status=2.0.0 reason=250 ok"), 2U);
  EXPECT_EQ(log.count("removed queue_id=" + id), 1U);
  EXPECT_EQ(queue().counts().messages, 0U);
  EXPECT_EQ(queue().counts().delivered_total, 2U);
  EXPECT_EQ(peers->messages(), 0U);
  EXPECT_EQ(peers->memory()->used(), 0U);
  EXPECT_TRUE(queue().is_settled());
}

TEST_F(LoopQueueTest, NothingIsTriedAndNobodyAnsweredBeforeItIsDurable) {
  store->paused = true;
  auto task = queue().submit(submission({"a@x.example"}));
  EXPECT_FALSE(task.start());
  world->run_for(4min);
  EXPECT_FALSE(task.is_done());
  EXPECT_TRUE(tries.empty());
  store->flush();
  world->run_for(1ms);
  ASSERT_TRUE(task.is_done());
  EXPECT_TRUE(task.take());
  EXPECT_EQ(tries.size(), 1U);
}

TEST_F(LoopQueueTest, AMessageThatIsNotOnDiskInTimeIsRefusedAndTakenBackLater) {
  store->paused = true;
  auto task = queue().submit(submission({"a@x.example"}));
  EXPECT_FALSE(task.start());
  EXPECT_TRUE(queue().admits(1));
  world->run_for(options.commit_timeout - 1ms);
  EXPECT_FALSE(task.is_done());
  EXPECT_EQ(queue().disk_wait(), options.commit_timeout - 1ms);
  EXPECT_FALSE(queue().admits(1)) << "more mail would only fill the memory";
  world->run_for(1ms);
  ASSERT_TRUE(task.is_done());
  const auto refused = task.take();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, store::Errc::io);
  store->paused = false;
  store->flush();
  world->run_for(1h);
  EXPECT_TRUE(tries.empty()) << "its client was told 451";
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(log.count("taken back"), 1U);
  EXPECT_TRUE(queue().is_settled());
  EXPECT_TRUE(queue().admits(1));
  EXPECT_EQ(queue().disk_wait(), 0ms);
  EXPECT_EQ(queue().counts().messages, 0U);
}

TEST_F(LoopQueueTest, TakingBackIsRepeatedUntilItIsDone) {
  store->paused = true;
  auto task = queue().submit(submission({"a@x.example"}));
  EXPECT_FALSE(task.start());
  world->run_for(options.commit_timeout);
  EXPECT_TRUE(task.is_done());
  store->paused = false;
  store->flush();
  store->failures = 2;
  world->run_for(10s);
  EXPECT_TRUE(store->durable.empty()) << "after a restart it would be sent, and its client did so";
  EXPECT_TRUE(tries.empty());
  EXPECT_EQ(queue().counts().messages, 0U);
  EXPECT_EQ(peers->messages().load(), 0U);
}

TEST_F(LoopQueueTest, TheDiskThatAnswersAtTheLimitGivesOneAnswerOnly) {
  store->paused = true;
  auto task = queue().submit(submission({"a@x.example"}));
  EXPECT_FALSE(task.start());
  world->run_for(options.commit_timeout - 1ms);
  store->paused = false;
  world->advance(1ms);  // the limit and the answer in one round
  store->flush();
  world->run_for(1h);
  ASSERT_TRUE(task.is_done());
  EXPECT_EQ(task.take().has_value(), tries.size() == 1);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(LoopQueueTest, ASessionThatDiesDoesNotTakeItsMessageBack) {
  {
    auto task = queue().submit(submission({"a@x.example"}));
    EXPECT_FALSE(task.start());
  }
  world->run_for(1ms);
  EXPECT_EQ(tries.size(), 1U);
}

TEST_F(LoopQueueTest, ACommitThatFailsIsNoMessage) {
  store->failures = 1;
  const auto result = world->finish(queue().submit(submission({"a@x.example"})));
  ASSERT_TRUE(result);
  EXPECT_FALSE(*result);
  world->run_for(1h);
  EXPECT_TRUE(tries.empty());
  EXPECT_EQ(queue().counts().messages, 0U);
}

TEST_F(LoopQueueTest, DelayedIsRetriedAtTheListedTimesUntilGivenUp) {
  answer = no_connection;
  const WallTime arrived = world->wall_now();
  submit({"a@x.example"});
  EXPECT_EQ(only().state, RecipientState::delayed);
  EXPECT_EQ(only().reason, "connection refused");
  EXPECT_EQ(only().status, "4.4.1");
  EXPECT_EQ(only().destination, "x.example");
  EXPECT_EQ(only().next_attempt.value() - arrived, 10min);
  world->run_for(5 * 24h - 1min);
  // 0, then 10, 30, 90 minutes, then every six hours.
  std::vector<Duration> expected{0min, 10min, 30min, 90min};
  while (expected.back() + 6h < 5 * 24h) expected.push_back(expected.back() + 6h);
  ASSERT_EQ(tries.size(), expected.size());
  for (std::size_t i = 0; i < tries.size(); ++i) EXPECT_EQ(tries[i].when - arrived, expected[i]);
  EXPECT_EQ(only().next_attempt.value() - arrived, 5 * 24h);  // cut at the give-up time
  world->run_for(2min);
  const RecipientView failed = only();
  EXPECT_EQ(failed.state, RecipientState::failed);
  EXPECT_EQ(failed.status, "5.4.7");
  EXPECT_EQ(failed.reason, "delivery time expired; connection refused");
  EXPECT_EQ(tries.size(), expected.size());
  world->run_for(24h);
  EXPECT_EQ(only().state, RecipientState::failed);  // nobody reports: it stays
  EXPECT_EQ(store->durable.size(), 1U);
}

TEST_F(LoopQueueTest, AMessageThatCouldNeverBeTriedIsGivenUpToo) {
  manual = true;
  submit({"a@x.example"});
  EXPECT_EQ(only().state, RecipientState::queued);
  world->run_for(5 * 24h + 1min);
  EXPECT_EQ(only().state, RecipientState::failed);
  EXPECT_EQ(only().reason, "delivery time expired; it could never be tried");
  EXPECT_EQ(queue().take(domain("x.example")), std::nullopt);
}

TEST_F(LoopQueueTest, AnAttemptUnderWayAtTheGiveUpTimeMaySucceed) {
  manual = true;
  options.attempt_limit = 24h;
  submit({"a@x.example"});
  world->run_for(5 * 24h - 1s);
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(only().state, RecipientState::active);
  EXPECT_EQ(queue().counts().active, 1U);
  EXPECT_EQ(queue().counts().queued, 0U);
  world->run_for(1min);
  EXPECT_EQ(only().state, RecipientState::active);
  DeliveryResult result = delivered(*delivery);
  queue().finish(std::move(*delivery), std::move(result));
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(LoopQueueTest, EachRecipientHasItsOwnEnd) {
  answer = [](const Delivery& d) {
    if (d.attempts > 0) return delivered(d);
    return DeliveryResult{
        {outcome(Action::delivered, {2, 1, 5}), outcome(Action::delayed, {4, 2, 2}),
         outcome(Action::failed, {5, 1, 1}, "no such user")},
        false,
        false};
  };
  const std::string id = submit({"a@x.example", "b@x.example", "c@x.example", "d@y.example"});
  const auto view = queue().list(by_id(id));
  ASSERT_EQ(view.size(), 1U);
  ASSERT_EQ(view[0].recipients.size(), 2U);
  EXPECT_EQ(view[0].recipients[0].address, "b@x.example");
  EXPECT_EQ(view[0].recipients[0].state, RecipientState::delayed);
  EXPECT_EQ(view[0].recipients[1].state, RecipientState::failed);
  world->run_for(11min);
  EXPECT_EQ(tries.size(), 3U);
  EXPECT_EQ(only().address, "c@x.example");
  EXPECT_EQ(queue().counts().failed, 1U);
  EXPECT_EQ(queue().remove(by_id(id)), 1U);
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(LoopQueueTest, AFailureAndItsReportAreOneStep) {
  chains->hooked = chains->reporting = true;
  answer = [](const Delivery& d) {
    return d.message->reverse_path().is_null() ? greylisted(d) : unknown_user(d);
  };
  const std::string id = submit({"a@x.example"});
  world->run_for(1s);
  ASSERT_GE(store->transactions.size(), 2U);
  const Recorded& step = store->transactions[1];
  EXPECT_EQ(step.added.size(), 1U);
  ASSERT_EQ(step.removed.size(), 1U);
  EXPECT_EQ(Queue::id_text(step.removed[0]), id);
  EXPECT_EQ(step.durability, store::Durability::sync);
  const auto report = decode_envelope(store->durable.at(step.added[0]).envelope);
  ASSERT_TRUE(report);
  EXPECT_TRUE(report->reverse_path.is_null());
  EXPECT_EQ(report->recipients.at(0).path.text(), "me@home.example");
  EXPECT_TRUE(report->facts.leading_dot);
  EXPECT_EQ(only().address, "me@home.example");
  EXPECT_EQ(only().reason, "greylisted");
  ASSERT_FALSE(chains->seen.empty());
  EXPECT_EQ(chains->seen[0].attempts, 1U);
}

TEST_F(LoopQueueTest, AReportThatFailsIsDroppedAndLogged) {
  chains->hooked = chains->reporting = true;
  answer = unknown_user;
  submit({"a@x.example"}, "");
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(log.count("a report failed itself and is dropped"), 1U);
}

TEST_F(LoopQueueTest, GivingUpIsReportedWithTheLastReason) {
  chains->hooked = chains->reporting = true;
  answer = [](const Delivery& d) {
    return d.message->reverse_path().is_null() ? delivered(d) : no_connection(d);
  };
  submit({"a@x.example"});
  world->run_for(6 * 24h);
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(chains->seen.back().outcome.action, Action::delivered);
  const RecipientOutcome& last = chains->seen[chains->seen.size() - 2];
  EXPECT_EQ(last.outcome.action, Action::failed);
  EXPECT_EQ(last.outcome.status.text(), "5.4.7");
  EXPECT_EQ(last.outcome.text, "delivery time expired; connection refused");
  EXPECT_EQ(tries.back().destination, "home.example");
}

TEST_F(LoopQueueTest, AStateThatCannotBeSavedIsSavedLater) {
  chains->hooked = chains->reporting = true;
  answer = [this](const Delivery& d) {
    store->failures = d.message->reverse_path().is_null() ? 0 : 3;
    return d.message->reverse_path().is_null() ? greylisted(d) : unknown_user(d);
  };
  submit({"a@x.example"});
  world->run_for(500ms);
  EXPECT_EQ(store->durable.size(), 1U);
  EXPECT_EQ(queue().counts().messages, 1U);
  EXPECT_FALSE(queue().is_settled()) << "who stops now would try it again";
  world->run_for(5s);
  EXPECT_TRUE(queue().is_settled());
  EXPECT_EQ(log.count("a state cannot be saved"), 1U);
  EXPECT_EQ(log.count("states can be saved again"), 1U);
  ASSERT_EQ(store->durable.size(), 1U);
  EXPECT_EQ(only().address, "me@home.example");
  EXPECT_EQ(tries.size(), 2U);  // the failed recipient was not tried again
}

TEST_F(LoopQueueTest, WhatWaitsIsReadAgainForItsNextAttempt) {
  manual = true;
  submit({"a@x.example"});
  EXPECT_GT(peers->memory()->used(), 20U);
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->message->memory(), "Subject: x\r\n\r\nbody\r\n");
  DeliveryResult result = greylisted(*delivery);
  auto message = delivery->message;
  queue().finish(std::move(*delivery), std::move(result));
  EXPECT_EQ(message->memory(), "");
  EXPECT_EQ(peers->memory()->used(), 0U);
  EXPECT_EQ(message->read(9, 1), "x");
  EXPECT_EQ(store->bodies_read, 1);
  EXPECT_EQ(store->texts_read, 0);
  world->run_for(10min);
  delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  EXPECT_TRUE(delivery->message->body());
  EXPECT_TRUE(delivery->message->body());
  EXPECT_EQ(delivery->message->recipients().at(0).path.text(), "a@x.example");
  EXPECT_EQ(store->bodies_read, 2);  // once for each attempt
  EXPECT_EQ(store->texts_read, 1);
  queue().finish(std::move(*delivery), {{}, false, true});
  EXPECT_EQ(message->memory(), "");
}

TEST_F(LoopQueueTest, WithoutRoomEachMessageIsReadFromTheStore) {
  manual = true;
  peers->memory()->take(memory);
  submit({"a@x.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(store->texts_read, 1);
  EXPECT_EQ(delivery->message->read(9, 1), "x");
  EXPECT_EQ(store->bodies_read, 1);
  DeliveryResult result = delivered(*delivery);
  queue().finish(std::move(*delivery), std::move(result));
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(peers->memory()->used(), memory);
}

TEST_F(LoopQueueTest, WithoutRoomTheSenderIsStillToldOfTheDelay) {
  chains->hooked = true;
  chains->notice = 4h;
  answer = greylisted;
  peers->memory()->take(memory);
  submit({"a@x.example"});
  world->run_for(5h);
  EXPECT_EQ(std::ranges::count_if(store->transactions,
                                  [](const Recorded& r) { return !r.added.empty(); }),
            2);
}

TEST_F(LoopQueueTest, ADiskThatDoesNotReadForTheMomentOnlyDelays) {
  answer = greylisted;
  submit({"u@a.example"});
  store->unreadable = true;
  world->run_for(2h);
  EXPECT_EQ(tries.size(), 1U) << "what cannot be read is not tried";
  EXPECT_EQ(only().state, RecipientState::delayed);
  EXPECT_TRUE(log.contains("a message cannot be read now"));
  store->unreadable = false;
  answer = delivered;
  world->run_for(15min);
  EXPECT_EQ(tries.size(), 2U);
  EXPECT_EQ(queue().counts().messages, 0U);
}

TEST_F(LoopQueueTest, AnOutcomeOfAMessageThatCannotBeReadIsToldLater) {
  options.give_up = 24h;
  chains->hooked = true;
  chains->reporting = true;
  restart();
  answer = greylisted;
  submit({"u@a.example"});
  world->run_for(1h);
  store->unreadable = true;
  world->run_for(30h);  // its time is up, and the report needs its envelope
  EXPECT_NE(only().state, RecipientState::held);
  EXPECT_FALSE(log.contains("action=failed"));
  store->unreadable = false;
  answer = delivered;
  world->run_for(10s);
  EXPECT_TRUE(log.contains("action=failed status=5.4.7"));
  EXPECT_EQ(chains->seen.back().outcome.action, Action::delivered) << "the report";
  EXPECT_EQ(queue().counts().messages, 0U);
}

TEST_F(LoopQueueTest, AnEnvelopeThatCannotBeReadAnyMoreIsHeld) {
  chains->hooked = chains->reporting = true;
  answer = greylisted;
  submit({"a@x.example", "b@y.example"});
  world->run_for(1s);
  std::string& envelope = store->durable.begin()->second.envelope;
  const std::string good = std::exchange(envelope, "damaged");
  world->run_for(10min);
  EXPECT_EQ(queue().counts().held, 2U);
  const std::vector<MessageView> shown = queue().list({});
  for (const RecipientView& one : shown.at(0).recipients) {
    EXPECT_EQ(one.state, RecipientState::held);
    EXPECT_EQ(one.address, "");
    EXPECT_NE(one.reason.find("the envelope cannot be read: envelope of an unknown version"),
              std::string::npos);
  }
  EXPECT_EQ(log.count("a message is held"), 2U);
  envelope = good;
  answer = delivered;
  EXPECT_EQ(queue().release({}), 2U);
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
}

TEST_F(LoopQueueTest, ADestinationsOwnRetryTimes) {
  DestinationRule rule;
  rule.origin = "[[destination]] 1";
  rule.match = {"*.grey.example"};
  rule.retry = {2min, 3min};
  queue().set_rules(std::make_shared<const DestinationRules>(std::vector{rule}));
  answer = greylisted;
  const WallTime start = world->wall_now();
  submit({"a@x.grey.example"});
  world->run_for(9min);
  std::vector<Duration> when;
  for (const Try& each : tries) when.push_back(each.when - start);
  EXPECT_EQ(when, (std::vector<Duration>{0min, 2min, 5min, 8min}));
  const auto views = queue().destinations();
  ASSERT_TRUE(views.at(0).rule);
  EXPECT_EQ(views[0].rule->origin, "[[destination]] 1");
  EXPECT_EQ(views[0].max_connections, 20U);
}

TEST_F(LoopQueueTest, UntriedIsNoAttempt) {
  manual = true;
  submit({"a@x.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  queue().finish(std::move(*delivery), {{}, false, true});
  EXPECT_EQ(only().state, RecipientState::queued);
  delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->attempts, 0U);
  queue().finish(std::move(*delivery), {});  // an answer without outcomes
  EXPECT_EQ(only().reason, "the attempt ended without an outcome");
  EXPECT_EQ(only().state, RecipientState::delayed);
}

TEST_F(LoopQueueTest, AnAttemptThatHangsIsPutBackAndMayStillReport) {
  manual = true;
  submit({"a@x.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  EXPECT_EQ(delivery->deadline, world->loop().now() + 1h);
  world->run_for(1h + 29s);  // its courier has its time to end it
  EXPECT_EQ(only().state, RecipientState::active);
  world->run_for(2s);
  EXPECT_EQ(log.count("an attempt did not end in time"), 1U);
  EXPECT_EQ(only().state, RecipientState::delayed);
  EXPECT_EQ(queue().counts().active, 0U);
  EXPECT_NE(delivery->message->memory(), "");  // the courier may still read it
  const Delivery copy = *delivery;
  DeliveryResult result = delivered(*delivery);
  queue().finish(std::move(*delivery), std::move(result));
  world->run_for(1s);
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(queue().take(domain("x.example")), std::nullopt);
  queue().finish(copy, delivered(copy));
  EXPECT_EQ(log.count("an attempt ended twice"), 1U);
}

TEST_F(LoopQueueTest, WaitingCouriersGetTheNextMessage) {
  manual = true;
  auto wait = queue().wait(domain("x.example"), 10s);
  EXPECT_FALSE(wait.start());
  submit({"a@x.example"});
  ASSERT_TRUE(wait.is_done());
  EXPECT_TRUE(wait.take());
  EXPECT_TRUE(queue().take(domain("x.example")));
  auto in_vain = queue().wait(domain("x.example"), 10s);
  EXPECT_FALSE(in_vain.start());
  world->run_for(10s);
  ASSERT_TRUE(in_vain.is_done());
  EXPECT_FALSE(in_vain.take());
  {
    auto dropped = queue().wait(domain("x.example"), 10s);
    EXPECT_FALSE(dropped.start());
  }
  submit({"b@x.example"});
  EXPECT_TRUE(queue().take(domain("x.example")));
}

TEST_F(LoopQueueTest, WaitingCouriersAreDismissedAtOnce) {
  manual = true;
  auto first = queue().wait(domain("x.example"), 1h);
  auto second = queue().wait(domain("y.example"), 1h);
  EXPECT_FALSE(first.start());
  EXPECT_FALSE(second.start());
  queue().dismiss_couriers();
  world->run_for(1ms);
  ASSERT_TRUE(first.is_done() && second.is_done());
  EXPECT_FALSE(first.take());
  EXPECT_FALSE(second.take());
}

TEST_F(LoopQueueTest, PostmasterAndPluginsDecideDestinations) {
  chains->routes["local.example"] = {"maildir", "local.example", 0, false};
  chains->routes["mx.example"] = {"smtp", "relay.example", 2525, false};
  submit({"a@local.example", "Postmaster", "b@[192.0.2.1]"});
  ASSERT_EQ(tries.size(), 3U);
  EXPECT_EQ(tries[0].destination, "maildir:[local.example]");
  EXPECT_EQ(tries[1].destination, "[relay.example]:2525");
  EXPECT_EQ(tries[2].destination, "[192.0.2.1]");
}

TEST_F(LoopQueueTest, AdmitsWhatStoreAndLimitAllow) {
  EXPECT_TRUE(queue().admits(100));
  peers->messages() = options.max_messages;
  EXPECT_FALSE(queue().admits(100));
  peers->messages() = 0;
  store->admitting = false;
  EXPECT_FALSE(queue().admits(100));
}

struct TwoLoops : QueueWorld {
  TwoLoops() : QueueWorld(2) {}
};

TEST_F(TwoLoops, EachDestinationOnItsLoopOneOwner) {
  std::vector<std::string> to;
  for (int i = 0; i < 10; ++i) to.push_back("a@d" + std::to_string(i) + ".example");
  answer = greylisted;
  submit(to);
  std::set<unsigned> loops;
  for (const Try& each : tries) {
    EXPECT_EQ(each.loop, loop_of(domain(each.destination), 2));
    loops.insert(each.loop);
  }
  EXPECT_EQ(tries.size(), 10U);
  EXPECT_EQ(loops.size(), 2U);
  EXPECT_EQ(queue(0).counts().messages + queue(1).counts().messages, 1U);
  EXPECT_EQ(queue(0).counts().delayed + queue(1).counts().delayed, 10U);
  EXPECT_EQ(queue(loop_of(domain("d0.example"), 2)).counts().messages, 1U);
  restart();
  EXPECT_EQ(queue(0).counts().delayed + queue(1).counts().delayed, 10U);
  EXPECT_EQ(tries.size(), 10U);
  answer = delivered;
  world->run_for(11min);
  EXPECT_EQ(tries.size(), 20U);
  EXPECT_TRUE(store->durable.empty());
  EXPECT_EQ(peers->messages(), 0U);
}

TEST_F(TwoLoops, HoldAndExpiryReachTheOtherLoop) {
  answer = greylisted;
  std::vector<std::string> to;
  for (int i = 0; i < 6; ++i) to.push_back("a@d" + std::to_string(i) + ".example");
  submit(to);
  const unsigned owner = loop_of(domain("d0.example"), 2);
  Selection some;
  some.recipient = "*@d3.example";
  EXPECT_EQ(queue(owner).hold(some), 1U);
  world->run_for(11min);
  EXPECT_EQ(tries.size(), 11U);
  world->run_for(5 * 24h);
  EXPECT_EQ(queue(owner).counts().failed, 5U);
  EXPECT_EQ(queue(owner).counts().held, 1U);
}

// A disk that fails for long makes many states to repeat: not all in one turn of the loop, and not
// all in vain while it still fails.
TEST_F(LoopQueueTest, ManyStatesThatCouldNotBeSavedAreRepeatedInSlices) {
  constexpr int kMany = 1000, kSlice = 100;
  answer = greylisted;
  for (int i = 0; i < kMany; ++i) submit({"a@x.example"});
  world->run_for(1s);
  store->failures = 1'000'000;
  EXPECT_EQ(queue().hold({}), std::size_t{kMany});
  world->run_for(1ms);
  const int left = store->failures;
  world->run_for(10s);
  const int repeated = left - store->failures;
  EXPECT_GE(repeated, 9 * kSlice);   // every second
  EXPECT_LE(repeated, 11 * kSlice);  // one slice
  store->failures = 0;
  store->paused = true;
  world->run_for(2s);
  EXPECT_GE(queue().commits_under_way(), std::size_t{kSlice});
  EXPECT_LE(queue().commits_under_way(), LoopQueue::kMostCommits + kSlice);
  store->paused = false;
  store->flush();
  world->run_for(1s);
  EXPECT_TRUE(queue().is_settled());
  restart();
  EXPECT_EQ(queue().counts().held, std::uint64_t{kMany});
}

}  // namespace
}  // namespace postrider::queue
