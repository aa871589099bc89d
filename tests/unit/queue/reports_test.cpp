// SPDX-License-Identifier: MIT
// Reports and the queue: one durable step with their cause, delays told once, nothing lost when the
// plugin that should report fails.
#include <algorithm>

#include "queue/envelope_codec.hpp"
#include "queue_world.hpp"

namespace postrider::queue {
namespace {

struct ReportsTest : QueueWorld {
  ReportsTest() {
    chains->hooked = true;
    chains->reporting = true;
  }
  DeliveryResult fail_strangers(const Delivery& d) {
    return d.destination.name == "home.example" ? delivered(d) : unknown_user(d);
  }
  std::size_t told(Action action, bool attempted) const {
    std::size_t n = 0;
    for (const RecipientOutcome& o : chains->seen)
      n += o.outcome.action == action && o.attempted == attempted ? 1U : 0U;
    return n;
  }
};

TEST_F(ReportsTest, TheReportAndTheRemovalAreOneTransaction) {
  answer = [this](const Delivery& d) { return fail_strangers(d); };
  const auto id = Queue::parse_id(submit({"bob@x.example"})).value();
  store->paused = true;
  world->run_for(1s);
  ASSERT_EQ(store->durable.size(), 1U);
  EXPECT_TRUE(store->durable.contains(id)) << "no report before its cause is settled";
  store->paused = false;
  store->flush();
  const Recorded& step = store->transactions.back();
  EXPECT_EQ(step.removed, std::vector<store::MessageId>{id});
  ASSERT_EQ(step.added.size(), 1U);
  EXPECT_EQ(step.durability, store::Durability::sync);
}

TEST_F(ReportsTest, ACrashLeavesTheMessageOrItsReportNeverBothNeverNone) {
  answer = [this](const Delivery& d) { return fail_strangers(d); };
  for (const bool survives : {false, true}) {
    const auto id = Queue::parse_id(submit({"bob@x.example"})).value();
    manual = true;  // what comes next stays where it is
    store->paused = true;
    world->run_for(1s);
    if (survives) store->flush();
    store->paused = false;
    restart();
    ASSERT_EQ(store->durable.size(), 1U);
    EXPECT_EQ(store->durable.contains(id), !survives);
    const auto line = store->durable.begin()->second.envelope;
    EXPECT_EQ(decode_envelope(line)->reverse_path.is_null(), survives);
    manual = false;
    restart();
    world->run_for(1s);
    EXPECT_TRUE(store->durable.empty());
  }
}

TEST_F(ReportsTest, AFailureStaysVisibleWhenItsReporterFails) {
  answer = [this](const Delivery& d) { return fail_strangers(d); };
  chains->broken = true;
  submit({"bob@x.example"}, "me@home.example");
  world->run_for(1s);
  Selection selection;
  selection.state = RecipientState::failed;
  const auto failed = queue().list(selection);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_EQ(failed[0].reverse_path, "me@home.example");
}

TEST_F(ReportsTest, ADelayIsToldOnceWhateverIsAttempted) {
  chains->notice = 4h;
  answer = no_connection;
  submit({"bob@x.example", "eve@x.example"});
  world->run_for(4h - 1s);
  EXPECT_EQ(told(Action::delayed, false), 0U);
  const std::size_t before = store->durable.size();
  world->run_for(2s);
  EXPECT_EQ(told(Action::delayed, false), 2U);
  EXPECT_EQ(store->durable.size(), before + 2);
  const auto tells = [](const Recorded& r) { return r.added.size() == 2 && r.updated.size() == 1; };
  EXPECT_EQ(std::ranges::count_if(store->transactions, tells), 1);
  world->run_for(6h);
  EXPECT_TRUE(chains->seen.back().delay_reported);
  restart();
  world->run_for(6h);
  EXPECT_EQ(told(Action::delayed, false), 2U) << "told again after a restart";
  EXPECT_TRUE(chains->seen.back().delay_reported);
}

TEST_F(ReportsTest, MailThatWasNeverTriedIsToldOfToo) {
  chains->notice = 4h;
  manual = true;
  submit({"bob@x.example"});
  world->run_for(5h);
  ASSERT_EQ(told(Action::delayed, false), 1U);
  EXPECT_EQ(chains->seen.back().outcome.status, (EnhancedStatus{4, 4, 0}));
  EXPECT_EQ(chains->seen.back().attempts, 0U);
  Selection selection;
  selection.recipient = "bob@x.example";
  EXPECT_EQ(queue().list(selection).at(0).recipients.at(0).state, RecipientState::queued);
}

TEST_F(ReportsTest, NobodyIsToldOfHeldMailOrOfMailFromTheNullPath) {
  chains->notice = 4h;
  answer = greylisted;
  submit({"bob@x.example"}, "");
  const std::string held = submit({"eve@x.example"});
  world->run_for(1s);
  EXPECT_EQ(queue().hold(by_id(held)), 1U);
  world->run_for(5h);
  EXPECT_EQ(told(Action::delayed, false), 0U);
}

TEST_F(ReportsTest, TheLastReplyOutlivesARestartAndIsInTheFailure) {
  answer = [](const Delivery& d) {
    Outcome late = outcome(Action::delayed, {4, 2, 2}, "x.example put off the recipient");
    late.reply = {452, {4, 2, 2}, "Mailbox full"};
    return all(d, late, true);
  };
  submit({"bob@x.example"});
  world->run_for(1h);
  manual = true;
  restart();
  world->run_for(5 * 24h);
  ASSERT_EQ(told(Action::failed, false), 1U);
  for (const RecipientOutcome& o : chains->seen)
    if (o.outcome.action == Action::failed) {
      EXPECT_EQ(o.outcome.reply, Reply(452, {4, 2, 2}, "Mailbox full"));
      EXPECT_EQ(o.outcome.status, (EnhancedStatus{5, 4, 7}));
    }
}

}  // namespace
}  // namespace postrider::queue
