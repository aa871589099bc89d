// SPDX-License-Identifier: MIT
#include "queue/scheduler.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include <gtest/gtest.h>

namespace postrider::queue {
namespace {

constexpr TimePoint kStart{std::chrono::hours(100)};

Destination domain(const std::string& name) {
  return {.transport = "smtp", .name = name, .port = 0, .use_mx = true};
}

SchedulerOptions options() {
  SchedulerOptions o;
  o.concurrency = {2, 6};
  o.back_off = {1min, 4min};
  o.jitter_percent = 0;
  return o;
}

struct SchedulerTest : ::testing::Test {
  ~SchedulerTest() override {
    scheduler.clear([](Scheduled&) {});
  }
  Scheduled& add(const Destination& to) {
    Scheduled& item = items.emplace_back();
    scheduler.add(item, to, now);
    return item;
  }
  /// Everything that may start now.
  std::vector<std::string> wanted() {
    std::vector<std::string> names;
    while (const Destination* d = scheduler.next_wanted(now)) names.push_back(d->name);
    return names;
  }
  void pass(Duration length) {
    now += length;
    scheduler.tick(now);
  }
  /// Takes one, which must be there, and ends it.
  Scheduled& attempt(const Destination& to, HostResult result) {
    Scheduled* item = scheduler.take(to, now);
    EXPECT_NE(item, nullptr);
    scheduler.finish(*item, result, now);
    return *item;
  }

  std::deque<Scheduled> items;
  TimePoint now = kStart;
  Scheduler scheduler{options()};
  const Destination a = domain("a.example"), b = domain("b.example");
};

TEST_F(SchedulerTest, FirstInFirstOut) {
  Scheduled& first = add(a);
  Scheduled& second = add(a);
  EXPECT_EQ(scheduler.take(a, now), &first);
  EXPECT_EQ(scheduler.take(a, now), &second);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  EXPECT_EQ(scheduler.take(b, now), nullptr);
}

TEST_F(SchedulerTest, WantsOneCourierForEachDeliveryUpToTheLimit) {
  add(a);
  EXPECT_EQ(wanted(), std::vector<std::string>{"a.example"});
  EXPECT_TRUE(wanted().empty());
  add(a), add(a), add(a);
  EXPECT_EQ(wanted().size(), 1U);
  add(b);
  EXPECT_EQ(wanted(), std::vector<std::string>{"b.example"});
}

TEST_F(SchedulerTest, DestinationsTakeTurns) {
  add(a), add(a), add(b), add(b);
  const std::vector<std::string> turns{"a.example", "b.example", "a.example", "b.example"};
  EXPECT_EQ(wanted(), turns);
}

TEST_F(SchedulerTest, FreshMailGoesBeforeRetries) {
  Scheduled retry;
  scheduler.add_delayed(retry, a, now + 1min, now);
  pass(1min);
  Scheduled& fresh = add(a);
  EXPECT_EQ(scheduler.take(a, now), &fresh);
  EXPECT_EQ(scheduler.take(a, now), &retry);
}

TEST_F(SchedulerTest, RetriesDoNotStarveUnderFreshMail) {
  Scheduled retry;
  scheduler.add_delayed(retry, a, now, now);
  int taken = 0;
  while (retry.place != Scheduled::Place::active && taken < 100) {
    add(a);
    Scheduled* item = scheduler.take(a, now);
    ASSERT_NE(item, nullptr);
    if (item != &retry) scheduler.finish(*item, HostResult::answered, now);
    ++taken;
  }
  EXPECT_GT(taken, 4);
  EXPECT_LT(taken, 10);
  scheduler.finish(retry, HostResult::answered, now);
}

TEST_F(SchedulerTest, DelayedOnesAreDueAtTheirTime) {
  Scheduled late, early;
  scheduler.add_delayed(late, a, now + 2h, now);
  scheduler.add_delayed(early, a, now + 1h, now);
  EXPECT_EQ(scheduler.next_event(), now + 1h);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  pass(1h);
  EXPECT_EQ(wanted().size(), 1U);
  EXPECT_EQ(scheduler.take(a, now), &early);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  EXPECT_EQ(scheduler.next_event(), now + 1h);
  scheduler.drop(late, now);
  EXPECT_EQ(late.place, Scheduled::Place::none);
  scheduler.finish(early, HostResult::delivered, now);
}

TEST_F(SchedulerTest, ConcurrencyGrowsWithSuccessAndShrinksWithFailure) {
  for (int i = 0; i < 100; ++i) add(a);
  EXPECT_EQ(scheduler.find(a)->limit(), 2U);
  for (int i = 0; i < 3; ++i) attempt(a, HostResult::delivered);
  EXPECT_EQ(scheduler.find(a)->limit(), 3U);
  for (int i = 0; i < 40; ++i) attempt(a, HostResult::delivered);
  EXPECT_EQ(scheduler.find(a)->limit(), 6U);
  attempt(a, HostResult::answered);
  EXPECT_EQ(scheduler.find(a)->limit(), 6U);
  attempt(a, HostResult::failed);
  EXPECT_EQ(scheduler.find(a)->limit(), 1U);
  pass(1min);
  attempt(a, HostResult::delivered);
  EXPECT_EQ(scheduler.find(a)->limit(), 3U);
}

TEST_F(SchedulerTest, BackOffIsSharedAndProbedByOne) {
  for (int i = 0; i < 10; ++i) add(a);
  Scheduled* one = scheduler.take(a, now);
  Scheduled* two = scheduler.take(a, now);
  pass(30s);
  scheduler.finish(*one, HostResult::failed, now);
  EXPECT_EQ(scheduler.delay(*one, now + 10s, true, now), now + 1min);
  scheduler.finish(*two, HostResult::failed, now);  // began before: tells nothing new
  scheduler.delay(*two, now + 20s, true, now);
  EXPECT_EQ(scheduler.find(a)->failures(), 1U);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  EXPECT_TRUE(wanted().empty());
  pass(59s);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  pass(1s);
  EXPECT_EQ(scheduler.find(a)->ready(), 10U);  // due together
  EXPECT_EQ(wanted().size(), 1U);
  Scheduled* probe = scheduler.take(a, now);
  ASSERT_NE(probe, nullptr);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  scheduler.finish(*probe, HostResult::failed, now);
  EXPECT_EQ(scheduler.find(a)->failures(), 2U);
  EXPECT_EQ(scheduler.find(a)->back_off_until(), now + 4min);
}

TEST_F(SchedulerTest, SuccessWakesWhatWaitedForTheHostOnly) {
  Scheduled& one = add(a);
  attempt(a, HostResult::failed);
  scheduler.delay(one, now + 5h, true, now);
  Scheduled greylisted;
  scheduler.add_delayed(greylisted, a, now + 5h, now);
  pass(1min);
  add(a);
  attempt(a, HostResult::delivered);
  EXPECT_EQ(scheduler.find(a)->ready(), 1U);
  EXPECT_EQ(scheduler.find(a)->delayed(), 1U);
  EXPECT_EQ(scheduler.take(a, now), &one);
  scheduler.finish(one, HostResult::delivered, now);
  scheduler.drop(greylisted, now);
}

TEST_F(SchedulerTest, PutBackComesFirstAgain) {
  Scheduled& one = add(a);
  add(a);
  EXPECT_EQ(scheduler.take(a, now), &one);
  scheduler.finish(one, HostResult::untried, now);
  scheduler.put_back(one, now);
  EXPECT_EQ(scheduler.take(a, now), &one);
}

TEST_F(SchedulerTest, HurryEndsTheBackOff) {
  Scheduled& one = add(a);
  attempt(a, HostResult::failed);
  scheduler.delay(one, now + 5h, true, now);
  scheduler.hurry(one, now);
  EXPECT_EQ(scheduler.take(a, now), &one);
}

TEST_F(SchedulerTest, WhatIsAskedForGoesFirstAtADeadHostAndInTurnsAtALiveOne) {
  Scheduled &first = add(a), &second = add(a), &third = add(a), &fourth = add(a);
  scheduler.hurry(third, now);
  scheduler.hurry(fourth, now);
  EXPECT_EQ(&attempt(a, HostResult::failed), &third);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  pass(1min);
  EXPECT_EQ(&attempt(a, HostResult::delivered), &fourth);  // still before the fresh ones
  scheduler.hurry(second, now);
  Scheduled& fifth = add(a);
  scheduler.hurry(fifth, now);
  EXPECT_EQ(&attempt(a, HostResult::delivered), &first);
  EXPECT_EQ(&attempt(a, HostResult::delivered), &second);
  Scheduled& sixth = add(a);
  EXPECT_EQ(&attempt(a, HostResult::untried), &sixth);
  scheduler.put_back(sixth, now);
  EXPECT_EQ(&attempt(a, HostResult::delivered), &fifth);
  EXPECT_EQ(&attempt(a, HostResult::delivered), &sixth);
}

TEST_F(SchedulerTest, WhatIsAskedForAndPutBackIsStillAskedFor) {
  Scheduled& fresh = add(a);
  Scheduled& asked = add(a);
  attempt(a, HostResult::failed);
  scheduler.put_back(fresh, now);
  scheduler.hurry(asked, now);
  EXPECT_EQ(&attempt(a, HostResult::untried), &asked);
  scheduler.put_back(asked, now);
  EXPECT_EQ(&attempt(a, HostResult::failed), &asked);
  scheduler.hurry(fresh, now);
  scheduler.drop(fresh, now);
  scheduler.add(fresh, a, now);
  EXPECT_EQ(fresh.place, Scheduled::Place::fresh);  // nobody asked for it again
}

struct Waiter final : WaitingCourier {
  void wake() noexcept override { woken = true; }
  void dismiss() noexcept override {}
  bool woken = false;
};

TEST_F(SchedulerTest, WaitingCouriersAreWokenLastInFirstOut) {
  add(a), add(a);
  EXPECT_EQ(wanted().size(), 2U);
  attempt(a, HostResult::delivered);
  attempt(a, HostResult::delivered);
  Waiter first, second;
  scheduler.courier_waits(a, first, now);
  scheduler.courier_waits(a, second, now);
  add(a);
  EXPECT_TRUE(second.woken);
  EXPECT_FALSE(first.woken);
  EXPECT_TRUE(wanted().empty());
  scheduler.courier_resumes(a, first);
  add(a);
  EXPECT_FALSE(first.woken);
}

DestinationRulesPtr rules(DestinationRule rule) {
  rule.match = {"a.example", "*.b.example"};
  return std::make_shared<const DestinationRules>(std::vector{std::move(rule)});
}

TEST_F(SchedulerTest, RulesLimitTheirDestinationsOnly) {
  DestinationRule rule;
  rule.max_connections = 1;
  rule.back_off = {7min};
  scheduler.set_rules(rules(rule), now);
  const Destination sub = domain("x.b.example");
  for (int i = 0; i < 5; ++i) add(a), add(b), add(sub);
  EXPECT_EQ(scheduler.find(a)->limit(), 1U);
  EXPECT_EQ(scheduler.find(sub)->limit(), 1U);
  EXPECT_EQ(scheduler.find(b)->limit(), 2U);
  for (int i = 0; i < 3; ++i) attempt(a, HostResult::delivered);
  EXPECT_EQ(scheduler.find(a)->limit(), 1U);
  attempt(a, HostResult::failed);
  EXPECT_EQ(scheduler.find(a)->back_off_until(), now + 7min);
  attempt(b, HostResult::failed);
  EXPECT_EQ(scheduler.find(b)->back_off_until(), now + 1min);
}

TEST_F(SchedulerTest, RulesChangeUnderWay) {
  for (int i = 0; i < 50; ++i) add(a);
  for (int i = 0; i < 40; ++i) attempt(a, HostResult::delivered);
  EXPECT_EQ(scheduler.find(a)->limit(), 6U);
  DestinationRule rule;
  rule.max_connections = 3;
  scheduler.set_rules(rules(rule), now);
  EXPECT_EQ(scheduler.find(a)->limit(), 3U);
  scheduler.set_rules(nullptr, now);
  for (int i = 0; i < 10; ++i) attempt(a, HostResult::delivered);
  EXPECT_GT(scheduler.find(a)->limit(), 3U);
}

TEST_F(SchedulerTest, ARateIsKeptEvenlyAndWakesByItself) {
  DestinationRule rule;
  rule.max_rate = {100, 1min};
  scheduler.set_rules(rules(rule), now);
  for (int i = 0; i < 1000; ++i) add(a);
  int taken = 0;
  const TimePoint end = now + 2min;
  while (now < end) {
    while (const Destination* wanted = scheduler.next_wanted(now)) {
      while (Scheduled* item = scheduler.take(*wanted, now)) {
        ++taken;
        scheduler.finish(*item, HostResult::delivered, now);
      }
      scheduler.courier_left(*wanted, now);
    }
    const auto next = scheduler.next_event();
    ASSERT_TRUE(next);
    ASSERT_GT(*next, now);
    now = *next;
    scheduler.tick(now);
  }
  EXPECT_GE(taken, 199);
  EXPECT_LE(taken, 202);
}

TEST_F(SchedulerTest, AThrottledDestinationHoldsUpNoOther) {
  DestinationRule rule;
  rule.max_rate = {1, 1h};
  scheduler.set_rules(rules(rule), now);
  for (int i = 0; i < 100; ++i) add(a);
  attempt(a, HostResult::delivered);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  EXPECT_TRUE(wanted().empty());
  add(b);
  EXPECT_EQ(wanted(), std::vector<std::string>{"b.example"});
  // What could not even be tried is not counted.
  pass(1h);
  Scheduled* item = scheduler.take(a, now);
  ASSERT_NE(item, nullptr);
  scheduler.finish(*item, HostResult::untried, now);
  scheduler.put_back(*item, now);
  EXPECT_EQ(scheduler.take(a, now), item);
}

TEST_F(SchedulerTest, ARateOfConnectionsLimitsNewOnesOnly) {
  DestinationRule rule;
  rule.max_connection_rate = {6, 1min};
  scheduler.set_rules(rules(rule), now);
  for (int i = 0; i < 1000; ++i) add(a);
  int connections = 0, messages = 0;
  const TimePoint end = now + 2min;
  while (now < end) {
    while (const Destination* wanted = scheduler.next_wanted(now)) {
      Scheduled* item = scheduler.take(*wanted, now);
      ASSERT_NE(item, nullptr) << "no courier starts in vain";
      ++connections;
      for (int i = 0; i < 3 && item; ++i) {
        ++messages;
        scheduler.finish(*item, HostResult::delivered, now);
        item = i < 2 ? scheduler.take(*wanted, now, true) : nullptr;
      }
      scheduler.courier_left(*wanted, now);
    }
    const auto next = scheduler.next_event();
    ASSERT_TRUE(next);
    ASSERT_GT(*next, now);
    now = *next;
    scheduler.tick(now);
  }
  EXPECT_GE(connections, 12);
  EXPECT_LE(connections, 13);
  EXPECT_EQ(messages, 3 * connections);
}

TEST_F(SchedulerTest, ACourierThatConnectsAgainUsesTheRate) {
  DestinationRule rule;
  rule.max_connection_rate = {1, 1min};
  scheduler.set_rules(rules(rule), now);
  for (int i = 0; i < 3; ++i) add(a);
  Scheduled* item = scheduler.take(a, now);
  ASSERT_NE(item, nullptr);
  scheduler.finish(*item, HostResult::delivered, now);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  item = scheduler.take(a, now, true);
  ASSERT_NE(item, nullptr) << "with its connection";
  scheduler.note_connection(a, now);
  scheduler.finish(*item, HostResult::delivered, now);
  pass(1min);
  EXPECT_EQ(scheduler.take(a, now), nullptr) << "that was the other one's";
  EXPECT_EQ(scheduler.find(a)->connects_from(), now + 1min - 100ms);
  pass(1min);
  EXPECT_NE(scheduler.take(a, now), nullptr);
}

TEST_F(SchedulerTest, AReloadForgetsNoRateThatStays) {
  DestinationRule rule;
  rule.max_rate = {1, 1h};
  scheduler.set_rules(rules(rule), now);
  for (int i = 0; i < 3; ++i) add(a);
  ASSERT_NE(scheduler.take(a, now), nullptr);
  rule.max_connections = 7;
  scheduler.set_rules(rules(rule), now);
  EXPECT_EQ(scheduler.take(a, now), nullptr);
  rule.max_rate = {2, 1h};
  scheduler.set_rules(rules(rule), now);
  EXPECT_NE(scheduler.take(a, now), nullptr);
}

TEST_F(SchedulerTest, AFloodForDeadHostsThatHangHoldsUpNoLivingOne) {
  add(b);
  ASSERT_EQ(wanted().size(), 1U);
  attempt(b, HostResult::delivered);
  scheduler.courier_left(b, now);
  for (int i = 0; i < 100'000; ++i) add(domain("dead" + std::to_string(i)));
  const std::vector<std::string> hanging = wanted();
  EXPECT_EQ(hanging.size(), 375U);  // three quarters of 500
  for (const std::string& name : hanging) ASSERT_NE(scheduler.take(domain(name), now), nullptr);
  // Who took mail before gets a courier at once.
  add(b);
  EXPECT_EQ(wanted(), std::vector<std::string>{"b.example"});
  // Nobody knows that this one lives: it is among the next two.
  add(a);
  std::vector<std::string> next;
  for (int i = 0; i < 2; ++i) {
    const Destination dead = domain(hanging[static_cast<std::size_t>(i)]);
    for (Scheduled& item : items)
      if (item.home && item.home->destination() == dead) {
        scheduler.finish(item, HostResult::failed, now);
        scheduler.delay(item, now + 5min, true, now);
        break;
      }
    scheduler.courier_left(dead, now);
    std::ranges::move(wanted(), std::back_inserter(next));
  }
  scheduler.courier_left(b, now);
  std::ranges::move(wanted(), std::back_inserter(next));
  EXPECT_NE(std::ranges::find(next, "a.example"), next.end());
}

TEST_F(SchedulerTest, RetriesOfUnknownHostsLeaveRoomForFreshMail) {
  // As after a restart: all that waits was tried before.
  for (int i = 0; i < 10'000; ++i)
    scheduler.add_delayed(items.emplace_back(), domain("dead" + std::to_string(i)), now, now);
  EXPECT_EQ(wanted().size(), 250U);  // half of 500
  add(a);
  EXPECT_EQ(wanted(), std::vector<std::string>{"a.example"});
  // A host that waits in the worse line moves up when fresh mail comes.
  add(domain("dead9999"));
  EXPECT_EQ(wanted(), std::vector<std::string>{"dead9999"});
}

TEST_F(SchedulerTest, IdleDestinationsAreForgottenAfterAWhile) {
  add(a);
  EXPECT_EQ(wanted().size(), 1U);
  attempt(a, HostResult::delivered);
  scheduler.courier_left(a, now);
  EXPECT_EQ(scheduler.destinations(), 1U);
  pass(9min);
  EXPECT_EQ(scheduler.destinations(), 1U);
  pass(1min);
  EXPECT_EQ(scheduler.destinations(), 0U);
  EXPECT_FALSE(scheduler.next_event());
}

TEST_F(SchedulerTest, CouriersOfTheDeadAreLimited) {
  SchedulerOptions few = options();
  few.max_couriers = 8;
  Scheduler small(few);
  std::deque<Scheduled> mail;
  small.add(mail.emplace_back(), a, now);
  ASSERT_NE(small.next_wanted(now), nullptr);
  small.finish(*small.take(a, now), HostResult::delivered, now);
  small.courier_left(a, now);
  for (int i = 0; i < 20; ++i)
    small.add(mail.emplace_back(), domain("new" + std::to_string(i)), now);
  int started = 0;
  while (small.next_wanted(now)) ++started;
  EXPECT_EQ(started, 6);
  // One that took mail before still gets its courier.
  small.add(mail.emplace_back(), a, now);
  const Destination* proven = small.next_wanted(now);
  ASSERT_NE(proven, nullptr);
  EXPECT_EQ(*proven, a);
  small.clear([](Scheduled&) {});
}

TEST_F(SchedulerTest, AHundredThousandForDeadHostsDoNotSlowALiveOne) {
  // 50,000 dead hosts with a delayed message each, one dead host with 50,000.
  for (int i = 0; i < 50'000; ++i) {
    const Destination dead = domain("dead" + std::to_string(i) + ".example");
    Scheduled& item = add(dead);
    EXPECT_NE(scheduler.take(dead, now), nullptr);
    scheduler.finish(item, HostResult::failed, now);
    scheduler.delay(item, now + 5min + std::chrono::milliseconds(i), true, now);
  }
  const Destination full = domain("full.example");
  for (int i = 0; i < 50'000; ++i) add(full);
  scheduler.take(full, now);
  scheduler.finish(items[50'000], HostResult::failed, now);
  scheduler.delay(items[50'000], now + 5min, true, now);
  wanted();

  const std::uint64_t before = scheduler.steps();
  Scheduled& live = add(a);
  EXPECT_EQ(wanted(), std::vector<std::string>{"a.example"});
  EXPECT_EQ(scheduler.take(a, now), &live);
  scheduler.finish(live, HostResult::delivered, now);
  scheduler.courier_left(a, now);
  EXPECT_LT(scheduler.steps() - before, 60U);  // a few times log2(50,000)

  // And when the dead come due, each costs O(log n).
  now += 5min;
  const std::uint64_t then = scheduler.steps();
  scheduler.tick(now);
  EXPECT_LT(scheduler.steps() - then, 200U);
}

}  // namespace
}  // namespace postrider::queue
