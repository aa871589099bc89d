// SPDX-License-Identifier: MIT
// iprev in all its results, hostile names, slow servers, and the policy at RCPT.
#include <postrider/facts.hpp>

#include "unit/plugins/load.hpp"

namespace postrider::testing {
namespace {

class ReverseResolve : public ::testing::Test {
 protected:
  /// Connect, and let `wait` pass; the fact, or null.
  const ClientName* look_up(Duration wait = 1min) {
    Task<Verdict> task = plugin().hooks().connect->on_connect(session_);
    EXPECT_TRUE(task.await_ready()) << "the banner must not wait";
    EXPECT_TRUE(task.take().is_pass());
    host_.loop().advance(wait);
    return session_.facts().peek(kClientName);
  }
  IprevResult iprev() {
    const ClientName* client = look_up();
    return client ? client->iprev : IprevResult::pass;
  }
  Verdict rcpt() {
    Transaction transaction;
    Recipient to = recipient("bob@example.org");
    return run(host_.loop(), plugin().hooks().rcpt->on_rcpt(session_, transaction, to));
  }
  PluginLibrary& plugin() {
    if (!plugin_) plugin_.emplace(load("reverse_resolve", host_, settings_));
    return *plugin_;
  }
  FakeHost host_;
  SettingTable settings_;
  std::optional<PluginLibrary> plugin_;
  FakeSession session_{host_.loop(), "192.0.2.1"};
};

TEST_F(ReverseResolve, ConfirmsAName) {
  host_.dns().set_ptr("192.0.2.1", {"wrong.example", "Client.Example."});
  host_.dns().set_addresses("wrong.example", {"192.0.2.77"});
  host_.dns().set_addresses("client.example", {"192.0.2.8", "192.0.2.1", "2001:db8::1"});
  const ClientName* client = look_up();
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->iprev, IprevResult::pass);
  EXPECT_EQ(client->name, "client.example");
  EXPECT_EQ(session_.name_deadline(), session_.connected_at() + 2s);
}

TEST_F(ReverseResolve, NoNameIsPermerror) {
  EXPECT_EQ(iprev(), IprevResult::permerror);
}

TEST_F(ReverseResolve, ANameThatLeadsElsewhereFails) {
  host_.dns().set_ptr("192.0.2.1", {"client.example"});
  host_.dns().set_addresses("client.example", {"192.0.2.2"});
  EXPECT_EQ(iprev(), IprevResult::fail);
}

TEST_F(ReverseResolve, DnsErrorsAreTemperror) {
  host_.dns().set_ptr("192.0.2.1", {"client.example"});
  host_.dns().fail("client.example", DnsFailure::servfail);
  EXPECT_EQ(iprev(), IprevResult::temperror);
}

TEST_F(ReverseResolve, ARefusingServerIsTemperror) {
  host_.dns().fail("192.0.2.1", DnsFailure::refused);
  EXPECT_EQ(iprev(), IprevResult::temperror);
}

TEST_F(ReverseResolve, HostileNamesAreNoNames) {
  host_.dns().set_ptr("192.0.2.1", {"evil\r\nX-Injected: 1", "a b.example", "-.example", "", "..",
                                    std::string(300, 'a'), "192.0.2.1"});
  EXPECT_EQ(iprev(), IprevResult::permerror);
  EXPECT_EQ(host_.dns().questions().size(), 1U);
}

TEST_F(ReverseResolve, HostileNamesAreLoggedOncePrintable) {
  host_.dns().set_ptr("192.0.2.1", {"evil\r\nX: 1", "<b>\"x\"</b>", "ok.example"});
  host_.dns().set_addresses("ok.example", {"192.0.2.1"});
  EXPECT_EQ(iprev(), IprevResult::pass);
  ASSERT_EQ(host_.log().lines.size(), 1U);
  EXPECT_TRUE(host_.log().contains("name=evil??X: 1")) << host_.log().lines.front();
}

TEST_F(ReverseResolve, AMappedClientIsIpv4) {
  host_.dns().set_ptr("192.0.2.1", {"client.example"});
  host_.dns().set_addresses("client.example", {"2001:db8::1", "192.0.2.1"});
  FakeSession mapped(host_.loop(), "::ffff:192.0.2.1");
  EXPECT_TRUE(plugin().hooks().connect->on_connect(mapped).take().is_pass());
  host_.loop().advance(1s);
  const ClientName* client = mapped.facts().peek(kClientName);
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->iprev, IprevResult::pass);
}

TEST_F(ReverseResolve, SkipCoversIpv6AndMapped) {
  settings_ = table({{"skip", list({"127.0.0.0/8", "fd00::/8", "::1"})}});
  for (const char* address : {"::ffff:127.0.0.1", "fd00::5", "::1"}) {
    FakeSession skipped(host_.loop(), address);
    EXPECT_TRUE(plugin().hooks().connect->on_connect(skipped).take().is_pass());
    EXPECT_FALSE(skipped.facts().is_owned(kClientName)) << address;
  }
  EXPECT_TRUE(host_.dns().questions().empty());
}

TEST_F(ReverseResolve, ChecksAtMostMaxNames) {
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i) names.push_back("n" + std::to_string(i) + ".example");
  host_.dns().set_ptr("192.0.2.1", names);
  EXPECT_EQ(iprev(), IprevResult::fail);
  EXPECT_EQ(host_.dns().questions().size(), 11U);
}

TEST_F(ReverseResolve, ASlowServerIsGivenUpAfterTheTimeout) {
  host_.dns().delay("192.0.2.1", std::chrono::hours(1));
  EXPECT_EQ(look_up(4900ms), nullptr);
  host_.loop().advance(200ms);
  const ClientName* client = session_.facts().peek(kClientName);
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->iprev, IprevResult::temperror);
  EXPECT_EQ(client->took, 5s);
  EXPECT_EQ(host_.loop().timers(), 0U);
}

TEST_F(ReverseResolve, NamesAreCheckedAtOnceAndTheFirstConfirmedOneCounts) {
  host_.dns().set_ptr("192.0.2.1", {"a.example", "b.example", "c.example", "d.example"});
  for (const char* name : {"b.example", "c.example", "d.example"})
    host_.dns().set_addresses(name, {"192.0.2.1"});
  host_.dns().set_addresses("a.example", {"192.0.2.9"});
  host_.dns().delay("a.example", 900ms);
  host_.dns().delay("b.example", 1s);
  host_.dns().delay("c.example", 10ms);
  host_.dns().delay("d.example", 1min);
  EXPECT_EQ(look_up(990ms), nullptr) << "c is confirmed, but b comes first";
  EXPECT_EQ(host_.dns().questions().size(), 5U);
  host_.loop().advance(10ms);
  const ClientName* client = session_.facts().peek(kClientName);
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->name, "b.example");
  EXPECT_EQ(client->took, 1s) << "not the sum of all lookups, and not as long as the last";
  EXPECT_EQ(host_.loop().timers(), 0U);
}

TEST_F(ReverseResolve, AConfirmedNameOutlivesASilentOneBeforeIt) {
  host_.dns().set_ptr("192.0.2.1", {"silent.example", "good.example"});
  host_.dns().delay("silent.example", 1h);
  host_.dns().set_addresses("good.example", {"192.0.2.1"});
  host_.dns().delay("good.example", 20ms);
  const ClientName* client = look_up(5s);
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->iprev, IprevResult::pass);
  EXPECT_EQ(client->name, "good.example");
  EXPECT_EQ(client->took, 5s);
}

TEST_F(ReverseResolve, AllLookupsShareOneTimeout) {
  host_.dns().set_ptr("192.0.2.1", {"one.example", "two.example"});
  host_.dns().delay("192.0.2.1", 3s);
  host_.dns().delay("one.example", 3s);
  host_.dns().delay("two.example", 3s);
  const ClientName* client = look_up(5s);
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->iprev, IprevResult::temperror);
  EXPECT_EQ(client->reason, "no answer in time");
  EXPECT_EQ(client->took, 5s);
  EXPECT_EQ(host_.loop().timers(), 0U);
}

TEST_F(ReverseResolve, ADroppedSessionDropsTheLookup) {
  host_.dns().set_ptr("192.0.2.1", {"one.example", "two.example"});
  for (const char* question : {"192.0.2.1", "one.example", "two.example"})
    host_.dns().delay(question, 1s);
  for (const Duration wait : {0ms, 1500ms}) {
    {
      FakeSession session(host_.loop(), "192.0.2.1");
      EXPECT_TRUE(plugin().hooks().connect->on_connect(session).take().is_pass());
      host_.loop().advance(wait);
      EXPECT_GT(host_.loop().timers(), 0U);
    }
    EXPECT_EQ(host_.loop().timers(), 0U);
  }
}

TEST_F(ReverseResolve, SkippedNetworksAreNotLookedUp) {
  settings_ = table({{"skip", list({"192.0.2.0/24"})}, {"on_fail", "reject"}});
  EXPECT_EQ(look_up(), nullptr);
  EXPECT_TRUE(host_.dns().questions().empty());
  EXPECT_TRUE(rcpt().is_pass());
}

TEST_F(ReverseResolve, NoteNeverRefuses) {
  look_up();
  EXPECT_TRUE(rcpt().is_pass());
}

TEST_F(ReverseResolve, RejectRejectsWhatIsSure) {
  settings_ = table({{"on_fail", "reject"}});
  look_up();
  EXPECT_EQ(rcpt().reply().line(), "550 5.7.25 Your address has no confirmed host name");
}

TEST_F(ReverseResolve, ADnsErrorDefersAtMost) {
  settings_ = table({{"on_fail", "reject"}});
  host_.dns().delay("192.0.2.1", 1h);
  const TimePoint began = host_.loop().now();
  look_up(0ms);
  EXPECT_EQ(rcpt().reply().code, 450);  // waits for the lookup's own timeout
  EXPECT_EQ(host_.loop().now() - began, 5s);
}

TEST_F(ReverseResolve, DeferDefersAndAGoodNamePasses) {
  settings_ = table({{"on_fail", "defer"}});
  look_up();
  EXPECT_EQ(rcpt().reply().status.text(), "4.7.25");
  FakeSession good(host_.loop(), "2001:db8::1");
  host_.dns().set_ptr("2001:db8::1", {"six.example"});
  host_.dns().set_addresses("six.example", {"2001:db8::1"});
  EXPECT_TRUE(plugin().hooks().connect->on_connect(good).take().is_pass());
  Transaction transaction;
  Recipient to = recipient("bob@example.org");
  EXPECT_TRUE(run(host_.loop(), plugin().hooks().rcpt->on_rcpt(good, transaction, to)).is_pass());
}

TEST(ReverseResolveSettings, MistakesAreTold) {
  EXPECT_NE(load_error("reverse_resolve", table({{"skip", list({"10.0.0.1/8"})}})), "");
  EXPECT_NE(load_error("reverse_resolve", table({{"on_fail", "explode"}})), "");
  EXPECT_NE(load_error("reverse_resolve", table({{"max_names", 0}})), "");
}

}  // namespace
}  // namespace postrider::testing
