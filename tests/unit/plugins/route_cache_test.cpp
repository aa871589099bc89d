// SPDX-License-Identifier: MIT
// Routes are kept exactly as long as DNS says; one lookup serves all; the operator sees and
// flushes.
#include <algorithm>
#include <array>
#include <set>

#include "unit/plugins/load.hpp"

namespace postrider::testing {
namespace {

/// An inner route that a test scripts, and that counts what it is asked.
class RouteCache : public ::testing::Test {
 protected:
  RouteCache() {
    answer = route(60s);
    host.inner_route = [this](Destination destination) { return inner(*this, destination); };
  }
  static Route route(Duration ttl, std::string origin = "mx", std::string name = "mx1.example") {
    Route made;
    made.hops.push_back({std::move(name), 10, 25, {IpAddress::parse("192.0.2.1").value()}});
    made.ttl = ttl;
    made.origin = std::move(origin);
    return made;
  }
  static Task<RouteResult> inner(RouteCache& self, Destination destination) {
    self.asked.push_back(destination.text());
    const RouteResult result = self.answer;
    if (self.delay > 0ms) co_await sleep_for(self.host.loop(), self.delay);
    co_return result;
  }
  static Task<RouteResult> never(const Destination&) {
    ADD_FAILURE() << "the caller's own next is not used";
    return RouteResult(std::unexpected(RouteRefusal(Reply("451 4.3.0 No"))));
  }
  PluginLibrary& plugin() {
    if (!plugin_) plugin_.emplace(load("route_cache", host, settings));
    return *plugin_;
  }
  Task<RouteResult> start(Destination destination) {
    wanted_.push_back(std::make_unique<Destination>(std::move(destination)));
    return plugin().hooks().route->on_route(*wanted_.back(), next_);
  }
  RouteResult get(std::string name = "example.org") {
    return run(host.loop(), start({.name = std::move(name)}));
  }
  std::string command(std::vector<std::string_view> words) {
    return plugin().hooks().lifecycle->on_command(words).value_or("not mine");
  }
  void refuse(ReplyLiteral reply, Duration ttl) {
    answer = std::unexpected(RouteRefusal(Reply(reply), ttl));
  }
  std::size_t lookups() const { return asked.size(); }

  FakeHost host;
  SettingTable settings = table({{"prefetch", false}});
  RouteResult answer;
  Duration delay{};
  std::vector<std::string> asked;

 private:
  RouteNext next_ = never;
  std::vector<std::unique_ptr<Destination>> wanted_;
  std::optional<PluginLibrary> plugin_;
};

TEST_F(RouteCache, LivesExactlyAsLongAsTheTtl) {
  EXPECT_EQ(get()->ttl, 60s);
  host.loop().advance(59999ms);
  answer = route(60s, "mx", "new.example");
  const auto kept = get();
  EXPECT_EQ(kept->hops[0].name, "mx1.example") << "never earlier";
  EXPECT_EQ(kept->ttl, 1ms) << "what is left";
  EXPECT_EQ(lookups(), 1U);
  host.loop().advance(1ms);
  EXPECT_EQ(get()->hops[0].name, "new.example") << "never later";
  EXPECT_EQ(lookups(), 2U);
}

TEST_F(RouteCache, TimeCountsFromTheHandOver) {
  delay = 5s;  // the TTL that comes out of a lookup is what is left by then
  answer = route(55s);
  EXPECT_EQ(get()->ttl, 55s);
  host.loop().advance(54999ms);
  EXPECT_TRUE(get());
  EXPECT_EQ(lookups(), 1U);
  host.loop().advance(1ms);
  EXPECT_TRUE(get());
  EXPECT_EQ(lookups(), 2U);
}

TEST_F(RouteCache, FractionsOfASecondCount) {
  answer = route(2500ms);
  EXPECT_EQ(get()->ttl, 2500ms);
  EXPECT_NE(command({"routes"}).find("\"ttl\": 3, \"ttl_left\": 2"), std::string::npos);
  host.loop().advance(2499ms);
  EXPECT_EQ(get()->ttl, 1ms);
  host.loop().advance(1ms);
  EXPECT_TRUE(get());
  EXPECT_EQ(lookups(), 2U);
}

TEST_F(RouteCache, TtlZeroIsNeverKept) {
  settings = table({{"prefetch", false}, {"min_ttl", "1m"}});
  answer = route(0s);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get()->ttl, 0s);
  EXPECT_EQ(lookups(), 3U);
}

TEST_F(RouteCache, TheLongestTtlThereIs) {
  static constexpr Duration kLongest = std::chrono::seconds(0x7fffffff);  // RFC 2181 section 8
  static constexpr Duration kYear = 24h * 365;
  answer = route(kLongest);
  EXPECT_EQ(get()->ttl, kLongest);
  host.loop().advance(kYear);
  EXPECT_EQ(get()->ttl, kLongest - kYear);
  EXPECT_EQ(lookups(), 1U);
}

TEST_F(RouteCache, MinAndMaxBindTheTtl) {
  settings = table({{"prefetch", false}, {"min_ttl", "30s"}, {"max_ttl", "2m"}});
  answer = route(5s);
  EXPECT_EQ(get("short.example")->ttl, 30s);
  answer = route(3600s);
  EXPECT_EQ(get("long.example")->ttl, 120s);
  host.loop().advance(30s);
  EXPECT_TRUE(get("short.example"));
  EXPECT_TRUE(get("long.example"));
  EXPECT_EQ(lookups(), 3U);
  EXPECT_NE(load_error("route_cache", table({{"min_ttl", "2m"}, {"max_ttl", "1m"}})), "");
}

TEST_F(RouteCache, TheOldBehaviourKeepsForEver) {
  settings = table({{"follow_ttl", false}});
  EXPECT_EQ(get()->ttl, 60s);
  answer = route(60s, "implicit mx");
  EXPECT_TRUE(get("nomx.example"));
  host.loop().advance(std::chrono::hours(24 * 1000));
  EXPECT_TRUE(get());
  EXPECT_TRUE(get("nomx.example")) << "before EnableTTL these were kept as well";
  EXPECT_EQ(lookups(), 2U);
  EXPECT_NE(command({"routes"}).find("\"ttl_left\": null"), std::string::npos);
  EXPECT_EQ(command({"routes", "--flush"}), "{\"flushed\": 2}");
  EXPECT_TRUE(get());
  EXPECT_EQ(lookups(), 3U);
}

TEST_F(RouteCache, NoMxIsNotKept) {
  answer = route(60s, "implicit mx");
  EXPECT_EQ(get()->origin, "implicit mx");
  EXPECT_TRUE(get());
  EXPECT_EQ(lookups(), 2U);
}

TEST_F(RouteCache, SmartHostsAreLookedUpAgain) {
  answer = route(10s, "smart host");
  const Destination smart{.name = "relay.example", .port = 2525, .use_mx = false};
  EXPECT_TRUE(run(host.loop(), start(smart)));
  EXPECT_TRUE(run(host.loop(), start(smart)));
  EXPECT_EQ(lookups(), 1U);
  EXPECT_TRUE(run(host.loop(), start({.name = "relay.example", .use_mx = false})))
      << "another port";
  EXPECT_TRUE(run(host.loop(), start({.name = "relay.example"}))) << "by MX";
  EXPECT_EQ(lookups(), 3U);
  host.loop().advance(10s);
  EXPECT_TRUE(run(host.loop(), start(smart)));
  EXPECT_EQ(lookups(), 4U);
}

TEST_F(RouteCache, WhatNeedsNoLookupPassesThrough) {
  const RouteNext next = [](const Destination&) -> Task<RouteResult> {
    return RouteResult(route(3600s, "literal"));
  };
  const Destination literal{.name = "[192.0.2.1]"};
  const Destination other{.transport = "maildir", .name = "example.org"};
  for (const Destination* one : {&literal, &other})
    EXPECT_EQ(run(host.loop(), plugin().hooks().route->on_route(*one, next))->origin, "literal");
  EXPECT_EQ(lookups(), 0U);
}

TEST_F(RouteCache, TheLeastRecentlyUsedGoesFirst) {
  settings = table({{"prefetch", false}, {"max_domains", 3}});
  for (const char* name : {"a.example", "b.example", "c.example"}) EXPECT_TRUE(get(name));
  EXPECT_TRUE(get("a.example"));
  EXPECT_TRUE(get("d.example")) << "in place of b";
  EXPECT_EQ(lookups(), 4U);
  for (const char* name : {"a.example", "c.example", "d.example"}) EXPECT_TRUE(get(name));
  EXPECT_EQ(lookups(), 4U);
  EXPECT_TRUE(get("b.example"));
  EXPECT_EQ(lookups(), 5U);
  EXPECT_NE(command({"routes"}).find("\"kept\": 3"), std::string::npos);
}

TEST_F(RouteCache, AThousandDomainsByDefault) {
  for (int i = 0; i < 1100; ++i) EXPECT_TRUE(get("d" + std::to_string(i) + ".example"));
  const std::string all = command({"routes"});
  EXPECT_NE(all.find("\"kept\": 1000"), std::string::npos);
  EXPECT_NE(all.find("\"evicted\": 100"), std::string::npos);
}

TEST_F(RouteCache, NoSuchDomainByItsNegativeTtl) {
  refuse("550 5.1.2 No such domain", 20s);
  EXPECT_EQ(get().error().code, 550);
  answer = route(60s);
  host.loop().advance(19999ms);
  EXPECT_EQ(get().error().line(), "550 5.1.2 No such domain");
  EXPECT_EQ(get().error().ttl, 1ms) << "what is left";
  host.loop().advance(1ms);
  EXPECT_TRUE(get());
  EXPECT_EQ(lookups(), 2U);
}

TEST_F(RouteCache, NoSuchDomainAtMostFiveMinutes) {
  refuse("550 5.1.2 No such domain", 86400s);
  EXPECT_FALSE(get());
  host.loop().advance(299999ms);
  EXPECT_FALSE(get());
  EXPECT_EQ(lookups(), 1U);
  host.loop().advance(1ms);
  EXPECT_FALSE(get());
  EXPECT_EQ(lookups(), 2U);
  refuse("550 5.1.2 No such domain", 0s);
  EXPECT_FALSE(get("unknown.example"));
  EXPECT_FALSE(get("unknown.example"));
  EXPECT_EQ(lookups(), 4U) << "without a negative TTL a refusal is not kept";
}

TEST_F(RouteCache, FailuresThirtySecondsAndNeverHard) {
  refuse("451 4.4.3 DNS could not answer", 86400s);
  EXPECT_EQ(get().error().code, 451);
  refuse("550 5.1.2 No such domain", 60s);
  host.loop().advance(29999ms);
  EXPECT_EQ(get().error().line(), "451 4.4.3 DNS could not answer");
  const std::string seen = command({"routes", "example.org"});
  EXPECT_NE(seen.find("\"refusal\": \"451 4.4.3 DNS could not answer\""), std::string::npos)
      << seen;
  EXPECT_TRUE(host.log().contains("no route destination=example.org"));
  EXPECT_EQ(lookups(), 1U);
  host.loop().advance(1ms);
  EXPECT_EQ(get().error().code, 550);
}

TEST_F(RouteCache, OneLookupForAllWhoWait) {
  delay = 2s;
  std::vector<Task<RouteResult>> waiting;
  for (int i = 0; i < 50; ++i) {
    waiting.push_back(start({.name = "example.org"}));
    EXPECT_FALSE(waiting.back().start());
  }
  EXPECT_EQ(lookups(), 1U);
  EXPECT_NE(command({"routes"}).find("\"looking_up\": [{\"destination\": \"example.org\""),
            std::string::npos);
  host.loop().advance(2s);
  for (auto& task : waiting) {
    ASSERT_TRUE(task.is_done());
    EXPECT_EQ(task.take()->hops[0].name, "mx1.example");
  }
  EXPECT_EQ(lookups(), 1U);
}

TEST_F(RouteCache, WhoStopsWaitingStopsNobodyElse) {
  delay = 2s;
  Task<RouteResult> first = start({.name = "example.org"});
  Task<RouteResult> second = start({.name = "example.org"});
  Task<RouteResult> third = start({.name = "example.org"});
  first.start();
  second.start();
  third.start();
  host.loop().advance(1s);
  first.reset();
  third.reset();
  host.loop().advance(1s);
  ASSERT_TRUE(second.is_done());
  EXPECT_TRUE(second.take());
  Task<RouteResult> lone = start({.name = "other.example"});
  lone.start();
  lone.reset();  // nobody waits any more: the answer is kept all the same
  host.loop().advance(2s);
  EXPECT_TRUE(get("other.example"));
  EXPECT_EQ(lookups(), 2U);
}

TEST_F(RouteCache, WaitingHasAnEnd) {
  settings = table({{"prefetch", false}, {"lookup_wait", "3s"}});
  delay = 10s;
  const RouteResult late = get();
  EXPECT_EQ(late.error().line(),
            "451 4.4.3 the route of example.org was not found within 3s; the lookup goes on");
  host.loop().advance(7s);
  EXPECT_TRUE(get());
  EXPECT_EQ(lookups(), 1U) << "the next attempt has the answer";
}

TEST_F(RouteCache, EqualHostsComeInEveryOrderEquallyOften) {
  Route many;
  for (const char* name : {"a", "b", "c", "d"})
    many.hops.push_back({name, 10, 25, {IpAddress::parse("192.0.2.1").value()}});
  many.hops.push_back({"worse", 20, 25, {IpAddress::parse("192.0.2.9").value()}});
  many.ttl = 3600s;
  answer = many;
  std::map<std::string, int> orders;
  for (int i = 0; i < 24'000; ++i) {
    const auto found = get();
    std::string order;
    for (const Hop& hop : found->hops) order += hop.name;
    ++orders[order];
  }
  EXPECT_EQ(lookups(), 1U) << "all but the first are answers of the cache";
  double chi_square = 0;
  for (const auto& [order, count] : orders) {
    EXPECT_TRUE(order.ends_with("worse"));
    chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  }
  EXPECT_EQ(orders.size(), 24U);
  EXPECT_LT(chi_square, 90) << "23 degrees of freedom: above once in a thousand million runs";
}

TEST_F(RouteCache, AddressesOfAHostAreShuffledWithinTheirFamily) {
  Route smart;
  Hop hop{"relay.example", 0, 25, {}};
  for (const char* text : {"2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "192.0.2.3"})
    hop.addresses.push_back(IpAddress::parse(text).value());
  smart.hops.push_back(hop);
  smart.ttl = 60s;
  answer = smart;
  std::set<std::string> first_v4;
  for (int i = 0; i < 200; ++i) {
    const auto addresses = get()->hops[0].addresses;
    EXPECT_FALSE(addresses[0].is_v4());
    EXPECT_TRUE(addresses[1].is_v4());
    EXPECT_FALSE(addresses[2].is_v4());
    first_v4.insert(addresses[1].text());
    EXPECT_TRUE(std::ranges::is_permutation(addresses, hop.addresses));
  }
  EXPECT_EQ(first_v4.size(), 3U);
}

TEST_F(RouteCache, BusyRoutesAreRefreshedBeforeTheyEnd) {
  settings = table({});
  answer = route(100s);
  EXPECT_TRUE(get());
  EXPECT_TRUE(get());  // a hit: it is in use
  answer = route(100s, "mx", "new.example");
  host.loop().advance(89999ms);
  EXPECT_EQ(lookups(), 1U);
  host.loop().advance(1ms);
  EXPECT_EQ(lookups(), 2U) << "10 % of the TTL before its end";
  EXPECT_EQ(get()->hops[0].name, "new.example");
  EXPECT_EQ(get()->ttl, 100s);
}

TEST_F(RouteCache, IdleRoutesAreNot) {
  settings = table({});
  EXPECT_TRUE(get());
  host.loop().advance(1h);
  EXPECT_EQ(lookups(), 1U);
  EXPECT_TRUE(get());
  EXPECT_EQ(lookups(), 2U);
}

TEST_F(RouteCache, ARefreshThatFailsChangesNothing) {
  settings = table({});
  EXPECT_TRUE(get());
  EXPECT_TRUE(get());
  refuse("451 4.4.3 DNS could not answer", 0s);
  host.loop().advance(55s);
  EXPECT_EQ(lookups(), 2U);
  EXPECT_TRUE(get()) << "the old answer lives until its own end";
  EXPECT_NE(command({"routes"}).find("\"last_result\": \"451 4.4.3 DNS could not answer"),
            std::string::npos);
  host.loop().advance(5s);
  EXPECT_EQ(get().error().code, 451);
  EXPECT_EQ(lookups(), 3U);
}

TEST_F(RouteCache, AFlushAlsoMeetsTheLookupUnderWay) {
  delay = 2s;
  Task<RouteResult> waiting = start({.name = "example.org"});
  waiting.start();
  host.loop().advance(1s);
  EXPECT_EQ(command({"routes", "--flush", "example.org"}), "{\"flushed\": 0}");
  answer = route(60s, "mx", "new.example");
  Task<RouteResult> later = start({.name = "example.org"});
  later.start();
  host.loop().advance(1s);
  ASSERT_TRUE(waiting.is_done());
  EXPECT_EQ(waiting.take()->hops[0].name, "mx1.example");
  EXPECT_FALSE(later.is_done());
  host.loop().advance(1s);
  ASSERT_TRUE(later.is_done());
  EXPECT_EQ(later.take()->hops[0].name, "new.example");
  EXPECT_EQ(get()->hops[0].name, "new.example");
}

TEST_F(RouteCache, TheOperatorReadsAndFlushes) {
  EXPECT_TRUE(get("example.org"));
  EXPECT_TRUE(get("example.org"));
  EXPECT_TRUE(get("example.net"));
  host.loop().advance(10s);
  EXPECT_EQ(command({"routes", "EXAMPLE.org"}),
            "{\"routes\": [{\"destination\": \"example.org\", \"loop\": 0, \"origin\": \"mx\", "
            "\"hosts\": [{\"host\": \"mx1.example\", \"preference\": 10, \"port\": 25, "
            "\"addresses\": [\"192.0.2.1\"]}], \"ttl\": 60, \"ttl_left\": 50, \"age\": 10, "
            "\"hits\": 1, \"last_result\": \"found 1 host in 0 ms\"}], \"looking_up\": [], "
            "\"kept\": 2, \"hits\": 1, \"lookups\": 2, \"evicted\": 0}");
  EXPECT_EQ(command({"routes", "--flush", "example.org"}), "{\"flushed\": 1}");
  EXPECT_TRUE(get("example.org"));
  EXPECT_EQ(lookups(), 3U);
  EXPECT_EQ(command({"queue"}), "not mine");
  EXPECT_NE(command({"routes", "a", "b"}).find("error"), std::string::npos);
  EXPECT_NE(command({"routes", "--nonsense"}).find("error"), std::string::npos);
}

TEST_F(RouteCache, GoesWithLookupsUnderWay) {
  delay = 2s;
  {
    const auto gone = load("route_cache", host, settings);
    const Destination destination{.name = "example.org"};
    const RouteNext next = [](const Destination&) -> Task<RouteResult> {
      return RouteResult(Route{});
    };
    Task<RouteResult> waiting = gone.hooks().route->on_route(destination, next);
    waiting.start();
  }
  EXPECT_EQ(lookups(), 1U);
}

}  // namespace
}  // namespace postrider::testing
