// SPDX-License-Identifier: MIT
// Who is ourselves among the next hops, case by case; what stays, and what the sender is told.
#include "unit/plugins/load.hpp"

namespace postrider::testing {
namespace {

/// "10 mx.example 192.0.2.1 2001:db8::1": preference, name, addresses; "@2525" sets the port.
Hop hop(const std::string& text) {
  Hop made;
  std::size_t at = 0;
  for (int word = 0; at < text.size(); ++word) {
    const std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string piece = text.substr(at, end - at);
    at = end + 1;
    if (word == 0)
      made.preference = static_cast<std::uint16_t>(std::stoi(piece));
    else if (word == 1)
      made.name = piece;
    else if (piece[0] == '@')
      made.port = static_cast<std::uint16_t>(std::stoi(piece.substr(1)));
    else
      made.addresses.push_back(IpAddress::parse(piece).value());
  }
  return made;
}

struct Case {
  const char* what;
  std::vector<std::string> hops;
  const char* expected;  ///< names that stay, or "550 <part of the proof>"
  bool chosen = false;   ///< a smart host of static_routes
};

// We are mail.example.org = 203.0.113.5 and 2001:db8:5::25, and listen on port 25 of everything;
// an alias is mx.example.org; the router forwards 198.51.100.7:25 and gw.example.org to us.
const std::vector<Case> kCases{
    {"a stranger", {"10 a.example 192.0.2.1"}, "a.example"},
    {"our address", {"10 a.example 203.0.113.5"}, "550 203.0.113.5:25 is our listener [::]:25"},
    {"our IPv6 address",
     {"10 a.example 2001:db8:5::25"},
     "550 [2001:db8:5::25]:25 is our listener"},
    {"IPv6 written another way",
     {"10 a.example 2001:0db8:0005:0::0025"},
     "550 [2001:db8:5::25]:25"},
    {"an IPv4-mapped address", {"10 a.example ::ffff:203.0.113.5"}, "550 203.0.113.5:25"},
    {"one of several addresses", {"10 a.example 192.0.2.1 203.0.113.5"}, "550 203.0.113.5:25"},
    {"our address, another port", {"10 a.example 203.0.113.5 @26"}, "a.example"},
    {"our other listening port", {"10 a.example 203.0.113.5 @587"}, "550 203.0.113.5:587"},
    {"a listener on an address that no interface has",
     {"10 a.example 203.0.113.99 @2500"},
     "550 203.0.113.99:2500 is our listener 203.0.113.99:2500"},
    {"an interface's address on a port of another listener",
     {"10 a.example 203.0.113.5 @2500"},
     "550 203.0.113.5 is an address of this machine, and we listen on port 2500"},
    {"an address like ours", {"10 a.example 203.0.113.50"}, "a.example"},
    {"our host name", {"10 mail.example.org 192.0.2.1"}, "550 mail.example.org is our own name"},
    {"our host name in other case",
     {"10 MAIL.Example.ORG 192.0.2.1"},
     "550 mail.example.org is our own name"},
    {"an alias", {"10 mx.example.org 192.0.2.1"}, "550 mx.example.org is an alias of ours"},
    {"an alias in other case", {"10 Mx.Example.Org 192.0.2.1"}, "550 mx.example.org is an alias"},
    {"a name that ends like ours", {"10 notmail.example.org 192.0.2.1"}, "notmail.example.org"},
    {"NAT: an address with a port",
     {"10 a.example 198.51.100.7"},
     "550 a.example is \"198.51.100.7:25\" of also_us"},
    {"NAT: the address, another port", {"10 a.example 198.51.100.7 @26"}, "a.example"},
    {"NAT: an address, any port",
     {"10 a.example 198.51.100.8 @4711"},
     "550 a.example is \"198.51.100.8\" of also_us"},
    {"NAT: a name",
     {"10 gw.example.org 192.0.2.1 @4711"},
     "550 gw.example.org is \"gw.example.org\""},
    {"NAT: IPv6 with a port",
     {"10 a.example 2001:db8:7::1"},
     "550 a.example is \"[2001:db8:7::1]:25\""},
    {"localhost as MX", {"10 localhost 192.0.2.1"}, "550 the name localhost means this host"},
    {"below .localhost",
     {"10 mx.localhost 192.0.2.1"},
     "550 the name mx.localhost means this host"},
    {"127.0.0.1 as MX", {"10 a.example 127.0.0.1"}, "550 127.0.0.1:25 is our listener [::]:25"},
    {"127.0.0.1 as MX, another port",
     {"10 a.example 127.0.0.1 @26"},
     "550 127.0.0.1 means this host"},
    {"127.8.9.10 as MX, another port",
     {"10 a.example 127.8.9.10 @26"},
     "550 127.8.9.10 means this host"},
    {"::1 as MX, another port", {"10 a.example ::1 @26"}, "550 ::1 means this host"},
    {"0.0.0.0 as MX, another port", {"10 a.example 0.0.0.0 @26"}, "550 0.0.0.0 means this host"},
    {":: as MX, another port", {"10 a.example :: @26"}, "550 :: means this host"},
    {"a better host stays", {"10 a.example 192.0.2.1", "20 us.example 203.0.113.5"}, "a.example"},
    {"worse hosts go with us",
     {"10 a.example 192.0.2.1", "20 us.example 203.0.113.5", "30 c.example 192.0.2.3"},
     "a.example"},
    {"equal hosts go with us",
     {"10 a.example 192.0.2.1", "10 us.example 203.0.113.5"},
     "550 203.0.113.5:25"},
    {"all better ones stay, in their order",
     {"5 b.example 192.0.2.2", "5 a.example 192.0.2.1", "20 mail.example.org 192.0.2.9"},
     "b.example a.example"},
    {"we are the best of several",
     {"10 us.example 203.0.113.5", "20 b.example 192.0.2.2"},
     "550 203.0.113.5:25"},
    {"twice among them: the better place counts",
     {"10 a.example 192.0.2.1", "30 us.example 203.0.113.5", "20 mail.example.org 192.0.2.9"},
     "a.example"},
    {"a smart host on this machine, another program's port",
     {"0 [127.0.0.1] 127.0.0.1 @10025"},
     "[127.0.0.1]",
     true},
    {"a smart host on this machine's address, another port",
     {"0 relay 203.0.113.5 @10025"},
     "relay",
     true},
    {"a smart host that is our own port", {"0 [127.0.0.1] 127.0.0.1"}, "550 127.0.0.1:25", true},
    {"a smart host with our name, another port",
     {"0 mail.example.org 203.0.113.5 @10025"},
     "mail.example.org",
     true},
    {"a smart host with our name and port",
     {"0 mail.example.org 192.0.2.1"},
     "550 mail.example.org is our own name",
     true},
    {"a smart host behind the NAT that is us",
     {"0 gw.example.org 192.0.2.1 @10025"},
     "550 gw.example.org is \"gw.example.org\" of also_us",
     true},
};

class Loopback : public ::testing::Test {
 protected:
  Loopback() {
    host.listening = {SocketAddress::parse("[::]:25").value(),
                      SocketAddress::parse("0.0.0.0:587").value(),
                      SocketAddress::parse("203.0.113.99:2500").value()};
    for (const char* text : {"127.0.0.1", "::1", "203.0.113.5", "2001:db8:5::25"})
      host.interfaces.push_back(IpAddress::parse(text).value());
    host.inner_route = [this](Destination destination) { return inner(*this, destination); };
  }
  static Task<RouteResult> inner(Loopback& self, Destination) {
    ++self.asked;
    const RouteResult result = self.answer;
    if (self.delay > 0ms) co_await sleep_for(self.host.loop(), self.delay);
    co_return result;
  }
  void set(const std::vector<std::string>& hops) {
    Route made;
    for (const std::string& text : hops) made.hops.push_back(hop(text));
    made.ttl = 60s;
    made.origin = "mx";
    answer = made;
  }
  PluginLibrary& plugin() {
    if (!plugin_) plugin_.emplace(load("loopback", host, settings));
    return *plugin_;
  }
  RouteResult route(bool chosen = false, const std::string& name = "dest.example") {
    const Destination destination{.name = name, .use_mx = !chosen};
    const RouteNext next = [this](const Destination& wanted) { return inner(*this, wanted); };
    return run(host.loop(), plugin().hooks().route->on_route(destination, next));
  }
  static std::string summary(const RouteResult& result) {
    if (!result) return result.error().line();
    std::string names;
    for (const Hop& one : result->hops) names += (names.empty() ? "" : " ") + one.name;
    return names;
  }
  Verdict rcpt(const std::string& address) {
    FakeSession session(host.loop());
    Transaction transaction;
    Recipient to = recipient(address);
    return run(host.loop(), plugin().hooks().rcpt->on_rcpt(session, transaction, to));
  }

  FakeHost host{"loopback"};
  SettingTable settings =
      table({{"aliases", list({"MX.example.org"})},
             {"also_us",
              list({"198.51.100.7:25", "198.51.100.8", "gw.example.org", "[2001:db8:7::1]:25"})}});
  RouteResult answer;
  Duration delay{};
  int asked = 0;

 private:
  std::optional<PluginLibrary> plugin_;
};

TEST_F(Loopback, EachCase) {
  for (const Case& one : kCases) {
    set(one.hops);
    const RouteResult result = route(one.chosen);
    const std::string expected = one.expected;
    if (!expected.starts_with("550 ")) {
      EXPECT_EQ(summary(result), expected) << one.what;
      continue;
    }
    const std::string text = summary(result);
    EXPECT_TRUE(text.starts_with("550 5.4.6 ")) << one.what << ": " << text;
    EXPECT_NE(text.find(expected.substr(4)), std::string::npos) << one.what << ": " << text;
  }
  EXPECT_GE(kCases.size(), 25U);
}

TEST_F(Loopback, TheReplySaysRuleValueAndKey) {
  set({"10 us.example 203.0.113.5"});
  EXPECT_EQ(summary(route()),
            "550 5.4.6 Mail for dest.example loops back to this host: 203.0.113.5:25 is our "
            "listener [::]:25 (to change: listen.address, or action of [[plugin]] loopback)");
  set({"10 mx.example.org 192.0.2.1"});
  EXPECT_EQ(summary(route()),
            "550 5.4.6 Mail for dest.example loops back to this host: mx.example.org is an alias "
            "of ours (to change: aliases of [[plugin]] loopback, or action)");
  set({"10 localhost 192.0.2.1"});
  EXPECT_NE(summary(route()).find("(to change: action of [[plugin]] loopback)"), std::string::npos);
  EXPECT_TRUE(host.log().contains("loop refused destination=dest.example host=localhost"));
}

TEST_F(Loopback, SendLetsItGoOut) {
  settings.entries.push_back({"action", {}, {std::string("send"), {}}});
  set({"10 us.example 203.0.113.5", "20 b.example 192.0.2.2"});
  EXPECT_EQ(summary(route()), "us.example b.example");
  EXPECT_TRUE(rcpt("bob@[203.0.113.5]").is_pass());
  EXPECT_TRUE(plugin().hooks().route->finds_loops()) << "the core must not cut the list instead";
}

TEST_F(Loopback, ABetterHostWithoutAddressDelays) {
  set({"20 us.example 203.0.113.5"});
  answer->unresolved.push_back({10, "primary.example"});
  EXPECT_EQ(summary(route()),
            "451 4.4.4 DNS gives no address now for primary.example, a better mail host of "
            "dest.example than this one (203.0.113.5:25 is our listener [::]:25)");
  answer->unresolved = {{30, "worse.example"}};
  EXPECT_EQ(route().error().code, 550);
}

TEST_F(Loopback, RefusalsAndOtherTransportsPassThrough) {
  answer = std::unexpected(RouteRefusal(Reply("451 4.4.3 DNS could not answer"), 7s));
  const RouteResult refused = route();
  EXPECT_EQ(summary(refused), "451 4.4.3 DNS could not answer");
  EXPECT_EQ(refused.error().ttl, 7s);
  host.destinations["bob@example.org"] = {.transport = "maildir", .name = "example.org"};
  EXPECT_TRUE(rcpt("bob@example.org").is_pass());
}

TEST_F(Loopback, RcptKnowsWhatARouteShowed) {
  set({"10 us.example 203.0.113.5"});
  EXPECT_TRUE(rcpt("bob@dest.example").is_pass()) << "not known yet, and nobody asks";
  EXPECT_EQ(asked, 0);
  EXPECT_FALSE(route());
  const Verdict verdict = rcpt("bob@DEST.example");
  EXPECT_EQ(verdict.action(), Verdict::Action::reject);
  EXPECT_EQ(verdict.reply().code, 550);
  EXPECT_EQ(verdict.reply().status.text(), "5.4.6");
  EXPECT_EQ(asked, 1);
  host.loop().advance(60s);
  EXPECT_TRUE(rcpt("bob@dest.example").is_pass()) << "the route has ended";
  EXPECT_FALSE(route());
  set({"10 a.example 192.0.2.1"});
  EXPECT_TRUE(route());
  EXPECT_TRUE(rcpt("bob@dest.example").is_pass()) << "a newer route is none to ourselves";
}

TEST_F(Loopback, RcptJudgesLiteralsAtOnce) {
  set({"0 [203.0.113.5] 203.0.113.5"});
  EXPECT_EQ(rcpt("bob@[203.0.113.5]").reply().code, 550);
  set({"0 [192.0.2.1] 192.0.2.1"});
  EXPECT_TRUE(rcpt("bob@[192.0.2.1]").is_pass());
  EXPECT_TRUE(rcpt("postmaster").is_pass());
}

TEST_F(Loopback, RcptLooksUpIfAsked) {
  settings.entries.push_back({"check_at_rcpt", {}, {true, {}}});
  settings.entries.push_back({"check_timeout", {}, {std::string("3s"), {}}});
  set({"10 us.example 203.0.113.5"});
  delay = 1s;
  EXPECT_EQ(rcpt("bob@dest.example").reply().status.text(), "5.4.6");
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(rcpt("carol@dest.example").reply().code, 550);
  EXPECT_EQ(asked, 1) << "known by now";
  set({"10 a.example 192.0.2.1"});
  EXPECT_TRUE(rcpt("bob@good.example").is_pass());
  answer = std::unexpected(RouteRefusal(Reply("550 5.1.2 No such domain")));
  EXPECT_TRUE(rcpt("bob@unknown.example").is_pass()) << "not this plugin's to judge";
  set({"10 us.example 203.0.113.5"});
  delay = 10s;
  const TimePoint began = host.loop().now();
  EXPECT_TRUE(rcpt("bob@slow.example").is_pass()) << "slow DNS refuses nobody";
  EXPECT_EQ(host.loop().now() - began, 3s);
}

TEST_F(Loopback, KnowsItsOwnTokenBehindAnyNat) {
  const auto verdict = [this](std::vector<std::string> lines) {
    const Destination destination{.name = "dest.example"};
    const Peer peer{"gate.example", SocketAddress::parse("192.0.2.1:25").value(), std::move(lines)};
    return run(host.loop(), plugin().hooks().attempt->on_peer(destination, peer));
  };
  EXPECT_TRUE(verdict({"gate.example", "PIPELINING"}).is_pass());
  EXPECT_TRUE(verdict({}).is_pass());
  ASSERT_EQ(host.keywords.size(), 1U);
  const std::string token = host.keywords.front();
  EXPECT_TRUE(token.starts_with("X-POSTRIDER-"));
  EXPECT_EQ(token.size(), 36U);
  EXPECT_TRUE(verdict({"gate.example", token + "0"}).is_pass());
  const Verdict ours = verdict({"gate.example", "PIPELINING", token});
  EXPECT_EQ(ours.reply().line(),
            "550 5.4.6 Mail for dest.example loops back to this host: gate.example at 192.0.2.1:25 "
            "shows our own EHLO token (to change: action of [[plugin]] loopback)");
  EXPECT_EQ(rcpt("bob@dest.example").reply().code, 550) << "known now";
  host.loop().advance(60s);
  EXPECT_TRUE(rcpt("bob@dest.example").is_pass());
  FakeHost other;
  const auto twin = load("loopback", other);
  EXPECT_EQ(other.keywords, host.keywords) << "one token for all loops";
  FakeHost sender;
  const auto silent = load("loopback", sender, table({{"action", "send"}}));
  EXPECT_TRUE(sender.keywords.empty());
}

TEST_F(Loopback, NewInterfacesAreSeen) {
  set({"10 a.example 203.0.113.66"});
  EXPECT_TRUE(route());
  host.interfaces.push_back(IpAddress::parse("203.0.113.66").value());
  host.loop().advance(5s);
  EXPECT_FALSE(route());
}

TEST_F(Loopback, MistakesAreTold) {
  EXPECT_EQ(load_error("loopback", table({{"also_us", list({"relay.example:2525"})}})), "");
  for (const char* value :
       {"", "no name", "192.0.2.1:0", "192.0.2.1:x", "300.1.1.1", "a.example:0"})
    EXPECT_NE(load_error("loopback", table({{"also_us", list({value})}})), "") << value;
  EXPECT_NE(load_error("loopback", table({{"aliases", list({"192.0.2.1"})}})), "");
  EXPECT_NE(load_error("loopback", table({{"action", "freeze"}})), "");
}

}  // namespace
}  // namespace postrider::testing
