// SPDX-License-Identifier: MIT
// What operators are told of a message's future comes from the loop that decides it, and stays true
// when the destination's back-off moves.
#include "queue_world.hpp"

namespace postrider::queue {
namespace {

struct Forecasts : QueueWorld {
  explicit Forecasts(unsigned loops = 1) : QueueWorld(loops) {}
  /// As the server asks: the owner for the message, all loops for what it waits for.
  std::vector<Forecast> of(const std::string& id) {
    std::vector<Forecast> all;
    for (const auto& owner : queues) {
      const RecordPtr record = owner->record(id);
      for (std::size_t i = 0; record && i < queues.size(); ++i)
        for (Forecast& one : queues[i]->forecasts(*record)) all.push_back(std::move(one));
    }
    return all;
  }
  Forecast one(const std::string& id) {
    const auto all = of(id);
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? Forecast() : all.front();
  }
  Duration left(const Forecast& forecast) { return forecast.at.value() - world->wall_now(); }
  DestinationView destination() { return queue().destinations().at(0); }
};

struct ForecastsOfLoops : Forecasts {
  ForecastsOfLoops() : Forecasts(3) {}
};

TEST_F(Forecasts, AnUnknownMessageHasNone) {
  EXPECT_TRUE(of("0000000000000").empty());
  EXPECT_TRUE(of("no id").empty());
}

TEST_F(Forecasts, AGreylistedMessageWaitsForItsSchedule) {
  answer = greylisted;
  const std::string id = submit({"a@x.example"});
  const Forecast forecast = one(id);
  EXPECT_EQ(forecast.destination, "x.example");
  EXPECT_EQ(forecast.wait, Wait::schedule);
  EXPECT_FALSE(forecast.wakes_with_host);
  EXPECT_NEAR(static_cast<double>(left(forecast).count()), 10 * 60e3, 10);
  EXPECT_TRUE(destination().last_answer);
  EXPECT_FALSE(destination().last_success || destination().last_failure);
  EXPECT_EQ(destination().trouble, "");
}

TEST_F(Forecasts, TheBackOffDecidesWhenItEndsLater) {
  options.scheduler.back_off = {1h};
  queues.clear();
  build();
  answer = no_connection;
  const std::string id = submit({"a@x.example"});
  EXPECT_EQ(one(id).wait, Wait::back_off);
  EXPECT_TRUE(one(id).wakes_with_host);
  EXPECT_NEAR(static_cast<double>(left(one(id)).count()), 60 * 60e3, 10);
  EXPECT_TRUE(destination().last_failure);
  EXPECT_EQ(destination().trouble, "connection refused");
  const std::string second = submit({"b@x.example"});  // never tried
  EXPECT_EQ(one(second).wait, Wait::back_off);
  // The operator ends the back-off for the second; it fails, and both wait an hour from now.
  world->run_for(30min);
  EXPECT_EQ(queue().retry(by_id(second)), 1U);
  world->run_for(1s);
  EXPECT_EQ(tries.size(), 2U);
  EXPECT_NEAR(static_cast<double>(left(one(id)).count()), 60 * 60e3, 2000);
  EXPECT_EQ(one(id).wait, Wait::back_off);
  // The host is back: it takes the one mail, and the other goes with it.
  answer = delivered;
  EXPECT_EQ(queue().retry(by_id(second)), 1U);
  world->run_for(1s);
  EXPECT_EQ(tries.size(), 4U);
  EXPECT_TRUE(destination().last_success);
  EXPECT_EQ(destination().trouble, "");
}

TEST_F(Forecasts, UnderWayAndWaitingForAConnection) {
  manual = true;
  options.scheduler.concurrency = {.initial = 1, .max = 1};
  queues.clear();
  build();
  const std::string first = submit({"a@x.example"});
  const std::string second = submit({"b@x.example"});
  auto delivery = queue().take(domain("x.example"));
  ASSERT_TRUE(delivery);
  world->run_for(5s);
  EXPECT_EQ(one(first).wait, Wait::attempt);
  EXPECT_NEAR(static_cast<double>(left(one(first)).count()), -5000, 10);
  EXPECT_EQ(one(second).wait, Wait::connection);
  EXPECT_FALSE(one(second).at);
  DeliveryResult result = delivered(*delivery);
  queue().finish(std::move(*delivery), std::move(result));
  world->run_for(1s);
  EXPECT_TRUE(of(first).empty());
}

TEST_F(Forecasts, WaitingForTheRateOfConnections) {
  manual = true;
  DestinationRule rule;
  rule.match = {"x.example"};
  rule.max_connection_rate = {1, 1h};
  queue().set_rules(std::make_shared<const DestinationRules>(std::vector{rule}));
  submit({"a@x.example"});
  const std::string second = submit({"b@x.example"});
  ASSERT_TRUE(queue().take(domain("x.example")));
  EXPECT_FALSE(queue().take(domain("x.example")));
  EXPECT_EQ(one(second).wait, Wait::connection_rate);
  EXPECT_NEAR(static_cast<double>(left(one(second)).count()), 60 * 60e3, 200);
}

TEST_F(Forecasts, AHeldMessageWaitsForNothingHere) {
  answer = greylisted;
  const std::string id = submit({"a@x.example"});
  EXPECT_EQ(queue().hold(by_id(id)), 1U);
  world->run_for(1s);
  EXPECT_EQ(one(id).wait, Wait::nothing);
}

TEST_F(ForecastsOfLoops, EachDestinationIsToldOnceByItsLoop) {
  answer = greylisted;
  const std::string id =
      submit({"a@one.example", "b@two.example", "c@three.example", "d@four.example"});
  world->run_for(1s);
  std::set<std::string> told;
  for (const Forecast& forecast : of(id)) {
    EXPECT_EQ(forecast.wait, Wait::schedule) << forecast.destination;
    EXPECT_TRUE(told.insert(forecast.destination).second);
  }
  EXPECT_EQ(told.size(), 4U);
}

}  // namespace
}  // namespace postrider::queue
