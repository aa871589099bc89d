// SPDX-License-Identifier: MIT
// RFC 5321 section 5.1 and RFC 7505, case by case.
#include "route/mx_lookup.hpp"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include <postrider/testing/manual_loop.hpp>

#include "zone_dns.hpp"

namespace postrider::route {
namespace {

using postrider::testing::ManualLoop;
using postrider::testing::ZoneDns;

class MxLookupTest : public ::testing::Test {
 protected:
  RouteResult find(Destination destination) {
    MxLookup lookup(dns, loop, options);
    auto task = lookup.find(std::move(destination));
    EXPECT_TRUE(task.start());
    return task.take();
  }
  RouteResult find(const std::string& name) { return find(Destination{.name = name}); }
  RouteResult smart_host(const std::string& name) {
    return find(Destination{.name = name, .use_mx = false});
  }
  static std::vector<std::string> names(const RouteResult& route) {
    std::vector<std::string> result;
    for (const Hop& hop : route->hops) result.push_back(hop.name);
    return result;
  }
  static std::string refusal(const RouteResult& result) {
    if (result) return "a route";
    return std::to_string(result.error().code) + " " + result.error().status.text();
  }

  ManualLoop loop;
  ZoneDns dns;
  Options options;
};

TEST_F(MxLookupTest, OrdersHostsByPreference) {
  dns.add_mx("example.org", {{20, "b.example.org"}, {10, "a.example.org"}}, 600s);
  dns.add_addresses("a.example.org", {"192.0.2.1"}, 500s);
  dns.add_addresses("b.example.org", {"192.0.2.2"}, 400s);
  const auto route = find("example.org");
  ASSERT_TRUE(route);
  EXPECT_EQ(names(route), (std::vector<std::string>{"a.example.org", "b.example.org"}));
  EXPECT_EQ(route->ttl, 400s);
  EXPECT_EQ(route->origin, "mx");
  EXPECT_EQ(route->hops[0].port, 25);
  EXPECT_EQ(route->hops[0].preference, 10);
}

TEST_F(MxLookupTest, EachRecordEndsByItsOwnArrival) {
  dns.add_mx("example.org", {{10, "a.example.org"}, {20, "b.example.org"}}, 60s);
  dns.add_addresses("a.example.org", {"192.0.2.1"}, 60s);
  dns.add_addresses("b.example.org", {"192.0.2.2"}, 60s);
  dns.held = true;
  const auto slow = [this](Duration first, Duration second) {
    MxLookup lookup(dns, loop, options);
    auto task = lookup.find(Destination{.name = "example.org"});
    EXPECT_FALSE(task.start());
    for (const Duration wait : {first, second}) {
      loop.advance(wait);
      EXPECT_TRUE(dns.release());
    }
    return task.take();
  };
  EXPECT_EQ(slow(4500ms, 500ms)->ttl, 55s) << "the MX came first";
  dns.add_addresses("a.example.org", {"192.0.2.1"}, 57s);
  EXPECT_EQ(slow(2s, 1s)->ttl, 56s) << "the first address ends first";
  EXPECT_EQ(slow(60s, 1s)->ttl, 0s) << "for this attempt only";
  dns.add_addresses("a.example.org", {"192.0.2.1"}, 0s);
  EXPECT_EQ(slow(0s, 0s)->ttl, 0s);
}

TEST_F(MxLookupTest, ShufflesEqualPreferencesAfresh) {
  dns.add_mx("example.org", {{10, "a.example.org"}, {10, "b.example.org"}, {10, "c.example.org"}});
  for (const char* name : {"a.example.org", "b.example.org", "c.example.org"})
    dns.add_addresses(name, {"192.0.2.1"});
  MxLookup lookup(dns, loop, options);
  std::set<std::vector<std::string>> orders;
  for (int i = 0; i < 200; ++i) {
    auto task = lookup.find(Destination{.name = "example.org"});
    ASSERT_TRUE(task.start());
    orders.insert(names(task.take()));
  }
  EXPECT_EQ(orders.size(), 6U);
}

TEST_F(MxLookupTest, NullMxRefusesAtOnce) {
  dns.add_mx("example.org", {{0, ""}});
  dns.add_addresses("example.org", {"192.0.2.1"});
  EXPECT_EQ(refusal(find("example.org")), "556 5.1.10");
  EXPECT_EQ(dns.asked.size(), 1U);
}

TEST_F(MxLookupTest, NullMxBesideOthersIsSkipped) {
  dns.add_mx("example.org", {{0, ""}, {10, "a.example.org"}});
  dns.add_addresses("a.example.org", {"192.0.2.1"});
  EXPECT_EQ(names(find("example.org")), std::vector<std::string>{"a.example.org"});
}

TEST_F(MxLookupTest, ImplicitMxOnlyWithoutAnyMx) {
  dns.fail_mx("example.org", DnsFailure::nodata);
  dns.add_addresses("example.org", {"192.0.2.1", "2001:db8::1"}, 77s);
  const auto route = find("example.org");
  ASSERT_TRUE(route);
  EXPECT_EQ(route->origin, "implicit mx");
  EXPECT_EQ(route->ttl, 77s);
  ASSERT_EQ(route->hops.size(), 1U);
  EXPECT_EQ(route->hops[0].addresses[0].text(), "2001:db8::1");

  dns.add_mx("example.org", {{10, "gone.example.org"}});
  dns.fail_addresses("gone.example.org", DnsFailure::nxdomain);
  EXPECT_EQ(refusal(find("example.org")), "550 5.4.4");
}

TEST_F(MxLookupTest, DomainThatDoesNotExist) {
  EXPECT_EQ(refusal(find("nowhere.example")), "550 5.1.2");
  EXPECT_EQ(refusal(find("not a name")), "550 5.1.2");
  dns.fail_mx("example.org", DnsFailure::nodata);
  dns.fail_addresses("example.org", DnsFailure::nodata);
  EXPECT_EQ(refusal(find("example.org")), "550 5.4.4");
}

TEST_F(MxLookupTest, DnsFailuresAreTemporary) {
  for (const auto failure :
       {DnsFailure::servfail, DnsFailure::refused, DnsFailure::timeout, DnsFailure::malformed}) {
    dns.fail_mx("example.org", failure);
    const auto result = find("example.org");
    EXPECT_EQ(refusal(result), "451 4.4.3");
    EXPECT_NE(result.error().text.find("the server said so"), std::string::npos);
    dns.fail_mx("example.org", DnsFailure::nodata);
    dns.fail_addresses("example.org", failure);
    EXPECT_EQ(refusal(find("example.org")), "451 4.4.3");
  }
}

TEST_F(MxLookupTest, HostsWithoutAddresses) {
  dns.add_mx("example.org", {{10, "a.example.org"}, {20, "b.example.org"}}, 3600s);
  dns.fail_addresses("a.example.org", DnsFailure::nodata);
  dns.fail_addresses("b.example.org", DnsFailure::timeout);
  EXPECT_EQ(refusal(find("example.org")), "451 4.4.3");
  dns.fail_addresses("b.example.org", DnsFailure::nxdomain);
  EXPECT_EQ(refusal(find("example.org")), "550 5.4.4");
  dns.fail_addresses("a.example.org", DnsFailure::timeout);
  dns.add_addresses("b.example.org", {"192.0.2.2"}, 3600s);
  const auto route = find("example.org");
  EXPECT_EQ(names(route), std::vector<std::string>{"b.example.org"});
  EXPECT_EQ(route->ttl, 60s) << "a better host may come back soon";
}

TEST_F(MxLookupTest, HostileHostsAreSkipped) {
  dns.add_mx("example.org",
             {{1, "192.0.2.9"}, {2, "2001:db8::1"}, {3, "a b"}, {65535, "ok.example"}});
  dns.add_addresses("ok.example", {"0.0.0.0", "::", "192.0.2.1", "192.0.2.1"});
  const auto route = find("example.org");
  EXPECT_EQ(names(route), std::vector<std::string>{"ok.example"});
  EXPECT_EQ(route->hops[0].addresses.size(), 1U);
  dns.add_mx("example.org", {{1, "192.0.2.9"}});
  EXPECT_EQ(refusal(find("example.org")), "550 5.4.4");
}

TEST_F(MxLookupTest, HostsAndAddressesAreBounded) {
  std::vector<MxRecord> many;
  for (int i = 0; i < 2000; ++i) {
    many.push_back({10, "same.example.org"});
    many.push_back({20, "h" + std::to_string(i) + ".example.org"});
    dns.add_addresses(many.back().host, {"192.0.2.1"});
  }
  DnsAnswer<IpAddress> crowd{{}, 300s, false};
  for (int i = 1; i < 200; ++i)
    crowd.records.push_back(*IpAddress::parse("192.0.2." + std::to_string(i)));
  dns.addresses_of.insert_or_assign("same.example.org", crowd);
  dns.add_mx("example.org", many);
  const auto route = find("example.org");
  ASSERT_TRUE(route);
  EXPECT_EQ(route->hops.size(), 20U);
  EXPECT_EQ(route->hops[0].name, "same.example.org");
  EXPECT_EQ(route->hops[0].addresses.size(), 10U);
  EXPECT_EQ(dns.asked.size(), 21U);
}

TEST_F(MxLookupTest, OwnNameCutsTheList) {
  options.own_names = {"us.example.org"};
  dns.add_mx("example.org", {{5, "best.example.org"},
                             {10, "us.example.org"},
                             {10, "twin.example.org"},
                             {20, "worse.example.org"}});
  for (const char* name :
       {"best.example.org", "us.example.org", "twin.example.org", "worse.example.org"})
    dns.add_addresses(name, {"192.0.2.1"});
  EXPECT_EQ(names(find("example.org")), std::vector<std::string>{"best.example.org"});
  dns.add_mx("example.org", {{10, "us.example.org"}, {20, "worse.example.org"}});
  EXPECT_EQ(refusal(find("example.org")), "554 5.4.6");
}

TEST_F(MxLookupTest, OwnNameStaysForAPluginThatFindsLoops) {
  options.own_names = {"us.example.org"};
  dns.add_mx("example.org", {{10, "us.example.org"}});
  dns.add_addresses("us.example.org", {"192.0.2.1"});
  MxLookup lookup(dns, loop, options);
  auto task = lookup.find(Destination{.name = "example.org"}, true);
  EXPECT_TRUE(task.start());
  EXPECT_EQ(names(task.take()), std::vector<std::string>{"us.example.org"});
}

TEST_F(MxLookupTest, RefusalsSayHowLongTheyMayBeKept) {
  dns.mx_of.insert_or_assign("gone.example",
                             std::unexpected(DnsError{DnsFailure::nxdomain, 77s, "no"}));
  EXPECT_EQ(find("gone.example").error().ttl, 77s);
  dns.mx_of.insert_or_assign("empty.example",
                             std::unexpected(DnsError{DnsFailure::nodata, 60s, "no"}));
  dns.addresses_of.insert_or_assign("empty.example",
                                    std::unexpected(DnsError{DnsFailure::nodata, 50s, "no"}));
  EXPECT_EQ(find("empty.example").error().ttl, 50s);
  dns.fail_addresses("empty.example", DnsFailure::nodata);
  EXPECT_EQ(find("empty.example").error().ttl, 0s) << "unknown is not kept";
  dns.add_mx("null.example", {{0, ""}}, 40s);
  EXPECT_EQ(find("null.example").error().ttl, 40s);
  dns.add_mx("hollow.example", {{10, "a.hollow.example"}}, 300s);
  dns.addresses_of.insert_or_assign("a.hollow.example",
                                    std::unexpected(DnsError{DnsFailure::nxdomain, 30s, "no"}));
  EXPECT_EQ(find("hollow.example").error().ttl, 30s);
}

TEST_F(MxLookupTest, HostsWithoutAddressAreNamed) {
  dns.add_mx("example.org", {{10, "best.example.org"}, {20, "us.example.org"}});
  dns.fail_addresses("best.example.org", DnsFailure::servfail);
  dns.add_addresses("us.example.org", {"192.0.2.1"});
  const auto route = find("example.org");
  EXPECT_EQ(names(route), std::vector<std::string>{"us.example.org"});
  EXPECT_EQ(route->unresolved, (std::vector<MxRecord>{{10, "best.example.org"}}));
}

TEST_F(MxLookupTest, SmartHostFailuresAreAlwaysTemporary) {
  EXPECT_EQ(refusal(smart_host("relay.example.org")), "451 4.4.4");
  dns.fail_addresses("relay.example.org", DnsFailure::nodata);
  EXPECT_EQ(refusal(smart_host("relay.example.org")), "451 4.4.4");
  dns.fail_addresses("relay.example.org", DnsFailure::servfail);
  EXPECT_EQ(refusal(smart_host("relay.example.org")), "451 4.4.3");
  EXPECT_EQ(refusal(smart_host("not a name")), "451 4.3.5");
  dns.add_mx("relay.example.org", {{10, "elsewhere.example.org"}});
  dns.add_addresses("relay.example.org", {"192.0.2.7"});
  const auto route = find(Destination{.name = "relay.example.org", .port = 2525, .use_mx = false});
  ASSERT_TRUE(route);
  EXPECT_EQ(names(route), std::vector<std::string>{"relay.example.org"});
  EXPECT_EQ(route->hops[0].port, 2525);
  EXPECT_EQ(route->origin, "smart host");
  EXPECT_TRUE(std::ranges::none_of(dns.asked, [](auto& q) { return q.starts_with("MX"); }));
}

TEST_F(MxLookupTest, LiteralsNeedNoLookup) {
  for (const char* text : {"[192.0.2.1]", "[IPv6:2001:db8::1]", "[ipv6:2001:db8::1]"}) {
    const auto route = find(text);
    ASSERT_TRUE(route) << text;
    EXPECT_EQ(route->hops[0].name, text);
    EXPECT_EQ(route->hops[0].addresses.size(), 1U);
  }
  EXPECT_TRUE(smart_host("192.0.2.1"));
  EXPECT_EQ(refusal(find("[300.0.2.1]")), "550 5.1.2");
  EXPECT_EQ(refusal(find("[2001:db8::1]")), "550 5.1.2");
  EXPECT_EQ(refusal(find("[x400:something]")), "550 5.1.2");
  EXPECT_TRUE(dns.asked.empty());
}

TEST_F(MxLookupTest, HostileTextBecomesPrintable) {
  dns.mx_of.insert_or_assign("example.org",
                             std::unexpected(DnsError{DnsFailure::servfail, 0s, "bad\r\n250 yes"}));
  EXPECT_EQ(find("example.org").error().text.find('\n'), std::string::npos);
}

TEST_F(MxLookupTest, LooksAddressesUpSideBySideButBounded) {
  std::vector<MxRecord> records;
  for (std::uint16_t i = 0; i < 12; ++i) {
    records.push_back({i, "h" + std::to_string(i) + ".example.org"});
    dns.add_addresses(records.back().host, {"192.0.2.1"});
  }
  dns.add_mx("example.org", records);
  dns.held = true;
  MxLookup lookup(dns, loop, options);
  auto task = lookup.find(Destination{.name = "example.org"});
  EXPECT_FALSE(task.start());
  EXPECT_EQ(dns.waiting(), 5U);
  while (dns.release()) {
  }
  ASSERT_TRUE(task.is_done());
  const auto route = task.take();
  EXPECT_EQ(route->hops.size(), 12U);
  EXPECT_EQ(route->hops[11].name, "h11.example.org");
  EXPECT_EQ(dns.most_in_flight, 5U);
}

TEST_F(MxLookupTest, CanBeDroppedAtAnySuspension) {
  dns.add_mx("example.org", {{1, "a.example.org"}, {2, "b.example.org"}, {3, "c.example.org"}});
  for (const char* name : {"a.example.org", "b.example.org", "c.example.org"})
    dns.add_addresses(name, {"192.0.2.1"});
  dns.held = true;
  options.parallel_lookups = 2;
  MxLookup lookup(dns, loop, options);
  for (int steps = 0; steps < 3; ++steps) {
    auto task = lookup.find(Destination{.name = "example.org"});
    EXPECT_FALSE(task.start());
    for (int i = 0; i < steps; ++i) EXPECT_TRUE(dns.release());
    task.reset();
    EXPECT_EQ(dns.waiting(), 0U);
    EXPECT_EQ(dns.in_flight, 0U);
  }
}

TEST(Interleave, TakesTurnsAndIsBounded) {
  std::vector<IpAddress> addresses;
  for (const char* text : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "2001:db8::1"})
    addresses.push_back(*IpAddress::parse(text));
  const auto result = interleave(addresses, 3);
  ASSERT_EQ(result.size(), 3U);
  EXPECT_EQ(result[0].text(), "2001:db8::1");
  EXPECT_EQ(result[1].text(), "192.0.2.1");
  EXPECT_EQ(result[2].text(), "192.0.2.2");
}

}  // namespace
}  // namespace postrider::route
