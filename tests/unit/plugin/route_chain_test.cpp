// SPDX-License-Identifier: MIT
// Routes nested in file order, transports, reports, and what happens when plugins fail there.
#include "unit/plugin/bench.hpp"

namespace postrider::plugin {
namespace {

class RouteChainTest : public PluginTest {
 protected:
  /// The core's search: it takes `took`, and the hop is called as the destination.
  RouteNext lookup(Duration took = 0ms) {
    return
        [this, took](const Destination& destination) { return found(runtime_, took, destination); };
  }
  static Task<RouteResult> found(Loop& loop, Duration took, const Destination& destination) {
    Route route;
    route.hops.push_back({destination.name, 10, 25, {IpAddress::parse("192.0.2.9").value()}});
    route.origin = "mx";
    if (took > 0ms) co_await sleep_for(loop, took);
    co_return route;
  }
  RouteResult route(PluginSet& set, Duration took = 0ms) {
    const Destination destination{.name = "example.net"};
    return run(set.route(destination, lookup(took)));
  }
  std::vector<Outcome> deliver(PluginSet& set, const std::string& transport) {
    const postrider::testing::FakeQueuedMessage message("A: b\r\n\r\nc\r\n");
    const std::vector<Recipient> two(2);
    return run(set.transport(transport, message, two));
  }
  Reports report(PluginSet& set) {
    const postrider::testing::FakeQueuedMessage message("A: b\r\n\r\nc\r\n");
    const std::vector<RecipientOutcome> one(1);
    return run(set.report(message, one));
  }
};

TEST_F(RouteChainTest, HooksNestInFileOrder) {
  const auto none = make({});
  EXPECT_EQ(route(*none)->hops[0].name, "example.net");
  const auto set = make({conduct("route", "a"), conduct("pass", "p"), conduct("route", "b")});
  const RouteResult result = route(*set, 20ms);
  EXPECT_EQ(result->hops[0].name, "b.a.example.net");
  EXPECT_EQ(result->origin, "mx+b+a");
}

TEST_F(RouteChainTest, TimeSpentInsideIsNotTheHooksOwn) {
  Block block = conduct("route", "a");
  block.hook_timeout = 5s;
  const auto set = make({block});
  EXPECT_TRUE(route(*set, 60s).has_value());
}

TEST_F(RouteChainTest, AFailureDelaysOrGoesOnAsThePolicySays) {
  for (const char* how : {"throw", "hang", "garbage"}) {
    Block block = conduct(how);
    EXPECT_EQ(route(*make({block})).error().code, 451) << how;
    block.on_error = block.on_timeout = FailurePolicy::pass;
    EXPECT_EQ(route(*make({block}))->hops[0].name, "example.net") << how;
  }
  EXPECT_EQ(route(*make({conduct("reject")})).error().line(), "550 5.4.6 Refused by conduct");
}

TEST_F(RouteChainTest, ShadowRoutesAreComparedOnly) {
  Block block = conduct("reject", "shy");
  block.mode = Mode::shadow;
  const auto set = make({block});
  EXPECT_EQ(route(*set)->hops[0].name, "example.net");
  EXPECT_NE(log_text().find("event=\"route not applied\" plugin=shy"), std::string::npos);
}

TEST_F(RouteChainTest, CanBeDroppedWhileInside) {
  const auto set = make({conduct("route", "a"), conduct("route", "b")});
  const Destination destination{.name = "example.net"};
  Task<RouteResult> task = set->route(destination, lookup(1min));
  task.start();
  runtime_.loop.advance(1s);
  EXPECT_FALSE(task.is_done());
  task.reset();
  EXPECT_EQ(runtime_.loop.timers(), 0U);
}

TEST_F(RouteChainTest, DestinationsComeFromTheFirstThatKnows) {
  const Path path = Path::parse("u@Example.ORG").value();
  EXPECT_FALSE(make({conduct("pass")})->destination_for(path));
  const auto set = make({conduct("pass", "a"), conduct("claim", "b"), conduct("claim", "c")});
  EXPECT_EQ(set->destination_for(path)->text(), "b:example.org");
  for (const char* how : {"throw", "garbage"}) {
    Block block = conduct(how, "bad");
    EXPECT_EQ(make({block})->destination_for(path)->transport, "failed-bad");
    block.on_error = FailurePolicy::pass;
    EXPECT_FALSE(make({block})->destination_for(path));
  }
}

TEST_F(RouteChainTest, TransportsAnswerForEachRecipient) {
  const auto set = make({conduct("claim", "box")});
  const auto outcomes = deliver(*set, "box");
  ASSERT_EQ(outcomes.size(), 2U);
  EXPECT_EQ(outcomes[0].action, Action::delivered);
  EXPECT_EQ(outcomes[0].status.text(), "2.0.0");
  EXPECT_EQ(outcomes[0].text, "put?away");
}

TEST_F(RouteChainTest, AFailedTransportDelaysAll) {
  for (const char* how : {"throw", "garbage"}) {
    const auto set = make({conduct(how, "box")});
    const auto outcomes = deliver(*set, "box");
    ASSERT_EQ(outcomes.size(), 2U);
    EXPECT_EQ(outcomes[1].action, Action::delayed);
    EXPECT_EQ(outcomes[1].status.text(), "4.3.0");
  }
  const auto gone = deliver(*make({}), "box");
  ASSERT_EQ(gone.size(), 2U);
  EXPECT_EQ(gone[0].status.text(), "4.3.5");
  EXPECT_NE(gone[0].text.find("box"), std::string::npos);
}

TEST_F(RouteChainTest, ReportsAreIncompleteWhenTheReporterFails) {
  const auto good = make({conduct("pass", "a"), conduct("pass", "b")});
  EXPECT_TRUE(good->reports_failures());
  EXPECT_EQ(report(*good).reports.size(), 2U);
  EXPECT_TRUE(report(*good).is_complete);
  const auto bad = make({conduct("throw", "a"), conduct("pass", "b")});
  EXPECT_EQ(report(*bad).reports.size(), 1U);
  EXPECT_FALSE(report(*bad).is_complete);
}

TEST_F(RouteChainTest, TheShortestDelayNoticeCounts) {
  EXPECT_EQ(make({})->delay_notice(), 0h);
  EXPECT_EQ(make({conduct("throw", "a")})->delay_notice(), 0h);
  EXPECT_EQ(
      make({conduct("throw", "a"), conduct("pass", "b"), conduct("garbage", "c")})->delay_notice(),
      2h);
}

}  // namespace
}  // namespace postrider::plugin
