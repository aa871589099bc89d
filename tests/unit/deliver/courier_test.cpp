// SPDX-License-Identifier: MIT
// Finding a host that works, keeping the connection, and every way an attempt can end.
#include <algorithm>

#include "delivery_world.hpp"

namespace postrider::deliver::testing {
namespace {

using runtime::SimFault;

class CourierTest : public DeliveryWorld {
 protected:
  SocketAddress at(const char* address) { return {*IpAddress::parse(address), 25}; }
  void two_hosts() {
    dns.add_mx("example.org", {{10, "a.example.org"}, {20, "b.example.org"}});
    dns.add_addresses("b.example.org", {"192.0.2.2"});
  }
  Peer peer{world.loop(), "192.0.2.1"};
  Peer other{world.loop(), "192.0.2.2"};
};

struct Ending {
  const char* verb;
  std::string answer;
  const char* brief;
  bool host_failed;
};

class EndingTest : public CourierTest, public ::testing::WithParamInterface<Ending> {
 protected:
  void check() {
    peer.always(GetParam().verb, GetParam().answer);
    queue(message());
    run();
    EXPECT_EQ(brief(), GetParam().brief);
    EXPECT_EQ(host_failed(), GetParam().host_failed);
    EXPECT_FALSE(outcome().text.empty());
    EXPECT_EQ(deliveries.left, 1);
    EXPECT_EQ(deliveries.ended.size(), 1U);
  }
};

TEST_P(EndingTest, Pipelined) {
  check();
}
TEST_P(EndingTest, OneByOne) {
  peer.extensions = {"SIZE"};
  check();
}

const std::string kJunk(70'000, 'x');
INSTANTIATE_TEST_SUITE_P(
    Phases, EndingTest,
    ::testing::Values(Ending{"GREETING", "421 4.3.2 later", "delayed 4.3.2 greeting", true},
                      Ending{"GREETING", "450 busy", "delayed 4.2.0 greeting", true},
                      Ending{"GREETING", "554 5.7.1 go away", "delayed 4.7.1 greeting", true},
                      Ending{"GREETING", kClose, "delayed 4.4.2 greeting", true},
                      Ending{"GREETING", kSilent, "delayed 4.4.2 greeting", true},
                      Ending{"GREETING", "hello", "delayed 4.5.0 greeting", true},
                      Ending{"GREETING", kJunk, "delayed 4.5.0 greeting", true},
                      Ending{"GREETING", "220 ok\r\n250-evil", "delayed 4.5.0 greeting", true},
                      Ending{"GREETING", "354 what", "delayed 4.5.0 greeting", true},
                      Ending{"EHLO", "450 4.7.0 wait", "delayed 4.7.0 helo", true},
                      Ending{"EHLO", kClose, "delayed 4.4.2 helo", true},
                      Ending{"EHLO", kSilent, "delayed 4.4.2 helo", true},
                      Ending{"EHLO", "250 a\r\n250 ok", "delayed 4.5.0 helo", true},
                      Ending{"MAIL", "451 4.7.1 wait", "delayed 4.7.1 mail", false},
                      Ending{"MAIL", "550 no", "failed 5.1.8 mail", false},
                      Ending{"MAIL", "421 4.3.2 stop" + kClose, "delayed 4.3.2 mail", true},
                      Ending{"MAIL", kClose, "delayed 4.4.2 mail", true},
                      Ending{"MAIL", kSilent, "delayed 4.4.2 mail", true},
                      Ending{"MAIL", "2x0 ok", "delayed 4.5.0 mail", true},
                      Ending{"RCPT", "450 greylisted", "delayed 4.2.0 rcpt", false},
                      Ending{"RCPT", "550 no", "failed 5.1.1 rcpt", false},
                      Ending{"RCPT", "421 4.3.2 stop" + kClose, "delayed 4.3.2 rcpt", true},
                      Ending{"RCPT", kClose, "delayed 4.4.2 rcpt", true},
                      Ending{"RCPT", kSilent, "delayed 4.4.2 rcpt", true},
                      Ending{"DATA", "451 4.3.0 wait", "delayed 4.3.0 data", false},
                      Ending{"DATA", "554 5.7.1 no", "failed 5.7.1 data", false},
                      Ending{"DATA", "421 4.3.2 stop" + kClose, "delayed 4.3.2 data", true},
                      Ending{"DATA", "250 ok", "delayed 4.5.0 data", true},
                      Ending{"DATA", kClose, "delayed 4.4.2 data", true},
                      Ending{"DATA", kSilent, "delayed 4.4.2 data", true},
                      Ending{"DATA", "354 ok\r\n250 2.0.0 taken", "delayed 4.5.0 data", true},
                      Ending{"DOT", "451 4.3.0 wait", "delayed 4.3.0 final dot", false},
                      Ending{"DOT", "550 5.7.1 spam", "failed 5.7.1 final dot", false},
                      Ending{"DOT", "599 odd", "failed 5.6.0 final dot", false},
                      Ending{"DOT", "299 odd", "delivered 2.0.0 final dot", false},
                      Ending{"DOT", "354 more", "delayed 4.5.0 final dot", true},
                      Ending{"DOT", "421 4.3.2 stop" + kClose, "delayed 4.3.2 final dot", true},
                      Ending{"DOT", kClose, "delayed 4.4.2 final dot", true},
                      Ending{"DOT", kSilent, "delayed 4.4.2 final dot", true},
                      Ending{"DOT", "250 2.0.0 ok\r\n250 2.0.0 again", "delivered 2.0.0 final dot",
                             false},
                      Ending{"QUIT", kSilent, "delivered 2.0.0 final dot", false},
                      Ending{"QUIT", "500 what", "delivered 2.0.0 final dot", false}));

TEST_F(CourierTest, HostileRepliesStayText) {
  peer.always("RCPT", "550-5.1.1 --boundary--\x01\r\n550 5.1.1 Final-Recipient: x\xFF\x1b[2J");
  queue(message());
  run();
  EXPECT_EQ(brief(), "failed 5.1.1 rcpt");
  EXPECT_TRUE(std::ranges::none_of(outcome().text, [](char c) { return c >= 0 && c < ' '; }));
  EXPECT_LE(outcome().text.size(), 1024U);
}

TEST_F(CourierTest, NextHostWhenTheFirstIsDead) {
  two_hosts();
  for (const auto kind :
       {SimFault::Kind::refused, SimFault::Kind::unreachable, SimFault::Kind::black_hole}) {
    world.set_fault(at("192.0.2.1"), SimFault{.kind = kind});
    queue(message());
    run();
    EXPECT_EQ(deliveries.ended.back().result.outcomes[0].action, Action::delivered);
    EXPECT_FALSE(deliveries.ended.back().result.host_failed);
  }
  EXPECT_EQ(peer.connections, 0);
  EXPECT_EQ(other.connections, 3);
}

TEST_F(CourierTest, NextHostWhenTheFirstFailsEarly) {
  two_hosts();
  const std::vector<std::pair<std::string, std::string>> failures{{"GREETING", "421 4.3.2 no"},
                                                                  {"GREETING", "554 no"},
                                                                  {"GREETING", kClose},
                                                                  {"EHLO", kClose},
                                                                  {"MAIL", "421 4.3.2 x" + kClose},
                                                                  {"RCPT", kClose}};
  for (const auto& [verb, text] : failures) {
    peer.answer(verb, {text});
    queue(message());
    run();
    EXPECT_EQ(deliveries.ended.back().result.outcomes[0].action, Action::delivered) << verb;
  }
  EXPECT_EQ(other.contents.size(), failures.size());
}

TEST_F(CourierTest, APluginSeesThePeerAndSendsItAway) {
  two_hosts();
  chains->verdicts.emplace("a.example.org", defer("451 4.7.0 Not this one"));
  queue(message());
  run();
  EXPECT_EQ(brief(), "delivered 2.0.0 final dot");
  EXPECT_EQ(chains->peers,
            (std::vector<std::string>{"a.example.org PIPELINING", "b.example.org PIPELINING"}));
  EXPECT_EQ(peer.lines.back(), "QUIT");
  EXPECT_TRUE(peer.contents.empty());
}

TEST_F(CourierTest, ARejectedPeerTakesWorseHostsWithIt) {
  two_hosts();
  chains->verdicts.emplace("a.example.org", reject("550 5.4.6 That is us"));
  queue(message());
  run();
  EXPECT_EQ(brief(), "failed 5.4.6 helo");
  EXPECT_EQ(outcome().text, "That is us");
  EXPECT_EQ(other.connections, 0) << "RFC 5321 section 5.1";
}

TEST_F(CourierTest, MailWaitsForABetterHostThanARejectedPeer) {
  two_hosts();
  world.set_fault(at("192.0.2.1"), SimFault{.kind = SimFault::Kind::refused});
  chains->verdicts.emplace("b.example.org", reject("550 5.4.6 That is us"));
  queue(message());
  run();
  EXPECT_EQ(brief(), "delayed 4.4.1 connect");
  EXPECT_TRUE(host_failed());
  dns.fail_addresses("a.example.org", DnsFailure::servfail);
  queue(message());
  run();
  EXPECT_EQ(brief(1), "delayed 4.4.6 helo") << "the better host has no address now";
}

TEST_F(CourierTest, AKnownRefusalStaysWhenTheHostFailsAfterwards) {
  two_hosts();
  peer.answer("RCPT", {"550 5.1.1 no", kClose});
  queue(message({"a@example.org", "b@example.org"}));
  run();
  EXPECT_EQ(brief(0, 0), "failed 5.1.1 rcpt");
  EXPECT_EQ(brief(0, 1), "delivered 2.0.0 final dot");
  EXPECT_EQ(std::ranges::count(other.lines, "RCPT TO:<a@example.org>"), 0);
}

TEST_F(CourierTest, NoOtherHostOnceARecipientWasAccepted) {
  two_hosts();
  peer.always("DOT", kClose);
  queue(message());
  run();
  EXPECT_EQ(brief(), "delayed 4.4.2 final dot");
  EXPECT_NE(outcome().text.find("may have the message"), std::string::npos);
  EXPECT_EQ(other.connections, 0);
}

TEST_F(CourierTest, AllHostsDeadSaysTheBestReason) {
  two_hosts();
  peer.always("GREETING", "554 5.7.1 blocked");
  world.set_fault(at("192.0.2.2"), SimFault{.kind = SimFault::Kind::refused});
  queue(message({"a@example.org", "b@example.org"}));
  run();
  EXPECT_EQ(brief(0, 1), "delayed 4.7.1 greeting");
  EXPECT_TRUE(host_failed());
  world.set_fault(at("192.0.2.1"), SimFault{.kind = SimFault::Kind::black_hole});
  queue(message());
  run();
  EXPECT_EQ(brief(1), "delayed 4.4.1 connect");
  EXPECT_TRUE(outcome(1).text.starts_with("b.example.org [192.0.2.2]") ||
              outcome(1).text.starts_with("a.example.org [192.0.2.1]"));
}

TEST_F(CourierTest, AddressesRaceWithAHeadStart) {
  dns.add_addresses("a.example.org", {"192.0.2.1", "2001:db8::1"});
  world.set_fault(at("2001:db8::1"), SimFault{.kind = SimFault::Kind::black_hole});
  queue(message());
  const TimePoint begin = world.now();
  start();
  deliveries.want_courier(destination);
  EXPECT_TRUE(world.run_until([this] { return !deliveries.ended.empty(); }));
  EXPECT_EQ(brief(), "delivered 2.0.0 final dot");
  EXPECT_GE(world.now() - begin, 250ms);
  EXPECT_LT(world.now() - begin, 400ms);
  run();
}

TEST_F(CourierTest, RouteRefusals) {
  dns.add_mx("example.org", {{0, ""}});
  queue(message());
  run();
  EXPECT_EQ(brief(0), "failed 5.1.10 route");
  EXPECT_FALSE(host_failed(0));
  dns.fail_mx("example.org", DnsFailure::timeout);
  queue(message());
  run();
  EXPECT_EQ(brief(1), "delayed 4.4.3 route");
  EXPECT_TRUE(host_failed(1));
  dns.fail_mx("example.org", DnsFailure::nodata);
  dns.add_addresses("example.org", {"192.0.2.2"});
  queue(message());
  run();
  EXPECT_EQ(brief(2), "delivered 2.0.0 final dot");
  EXPECT_EQ(outcome(2).remote, "example.org [192.0.2.2]");
}

TEST_F(CourierTest, SmartHostOnAnotherPort) {
  Peer relay(world.loop(), "192.0.2.9", 2525);
  dns.add_addresses("relay.example.org", {"192.0.2.9"});
  destination = {.name = "relay.example.org", .port = 2525, .use_mx = false};
  queue(message());
  run();
  EXPECT_EQ(brief(), "delivered 2.0.0 final dot");
  EXPECT_EQ(outcome().remote, "relay.example.org [192.0.2.9]:2525");
}

TEST_F(CourierTest, ConnectionServesLaterMailToo) {
  start();
  queue(message());
  deliveries.want_courier(destination);
  world.run_for(1s);
  queue(message());
  world.run_for(1s);
  queue(message());
  rest();
  EXPECT_EQ(deliveries.ended.size(), 3U);
  EXPECT_EQ(peer.connections, 1);
  EXPECT_EQ(chains->routes, 1);
  EXPECT_EQ(peer.lines.back(), "QUIT");
}

TEST_F(CourierTest, NotReusedBeyondTheTtlOrTheLimit) {
  dns.add_mx("example.org", {{10, "a.example.org"}}, 1s);
  start();
  queue(message());
  deliveries.want_courier(destination);
  world.run_for(1500ms);
  dns.add_mx("example.org", {{10, "b.example.org"}}, 300s);
  dns.add_addresses("b.example.org", {"192.0.2.2"});
  queue(message());
  rest();
  EXPECT_EQ(chains->routes, 2);
  EXPECT_EQ(other.contents.size(), 1U);
  EXPECT_EQ(brief(1), "delivered 2.0.0 final dot");

  couriers.reset();
  options.limits.max_messages = 3;
  for (int i = 0; i < 7; ++i) queue(message());
  run();
  EXPECT_EQ(other.connections, 1 + 3);
  EXPECT_EQ(deliveries.ended.size(), 9U);
}

TEST_F(CourierTest, AnIdleConnectionThatClosedIsNoFailure) {
  peer.answer("DOT", {"250 2.0.0 ok" + kClose});
  start();
  queue(message());
  deliveries.want_courier(destination);
  world.run_for(500ms);
  queue(message());
  rest();
  EXPECT_EQ(brief(1), "delivered 2.0.0 final dot");
  EXPECT_FALSE(host_failed(1));
  EXPECT_EQ(peer.connections, 2);
}

TEST_F(CourierTest, A421BeforeAnAnswerIsNoFailureEither) {
  peer.answer("MAIL", {kUsual, "421 4.4.2 idle too long" + kClose});
  start();
  queue(message());
  deliveries.want_courier(destination);
  world.run_for(500ms);
  queue(message());
  rest();
  EXPECT_EQ(brief(1), "delivered 2.0.0 final dot");
  EXPECT_EQ(peer.connections, 2);
}

TEST_F(CourierTest, AnEnvelopeSentAheadIsTriedAgain) {
  for (const std::string& dot : {kClose, "250 2.0.0 ok" + kClose, "421 4.3.2 enough" + kClose}) {
    peer.answer("DOT", {dot});
    deliveries.ended.clear();
    queue(message());
    queue(message());
    run();
    ASSERT_EQ(deliveries.ended.size(), 2U);
    EXPECT_EQ(outcome(0).action, dot.starts_with("250") ? Action::delivered : Action::delayed);
    EXPECT_EQ(brief(1), "delivered 2.0.0 final dot") << dot;
    EXPECT_FALSE(host_failed(1));
  }
}

TEST_F(CourierTest, AMessageThatWasTakenIsNotSentAgainForWhatFollowedItsDot) {
  peer.answer("DOT", {"250 2.0.0 queued" + kStop});
  options.max_recipients = 3000;
  // More than the window has room for: the envelope behind the dot never comes to its end.
  const std::string domain = std::string(60, 'x') + ".example.org";
  std::vector<std::string> many;
  for (int i = 0; i < 3000; ++i) many.push_back("recipient." + std::to_string(i) + "@" + domain);
  queue(message());
  queue(message(many));
  run();
  EXPECT_EQ(brief(0), "delivered 2.0.0 final dot");
  EXPECT_FALSE(host_failed(0));
  EXPECT_EQ(brief(1), "delivered 2.0.0 final dot");
  EXPECT_EQ(peer.contents.size(), 2U);
}

TEST_F(CourierTest, ManyRecipientsAndAHostThatClosesEachTime) {
  std::vector<std::string> many;
  for (int i = 0; i < 250; ++i) many.push_back("u" + std::to_string(i) + "@example.org");
  peer.always("DOT", "250 2.0.0 ok" + kClose);
  queue(message(many));
  run();
  for (std::size_t i = 0; i < 250; ++i) EXPECT_EQ(outcome(0, i).action, Action::delivered) << i;
  EXPECT_EQ(peer.connections, 3);
}

TEST_F(CourierTest, ManyRecipientsAndARouteThatEndsMeanwhile) {
  // Each transaction of one delivery needs a connection of its own, to the best host of then.
  std::vector<std::string> many;
  for (int i = 0; i < 250; ++i) many.push_back("u" + std::to_string(i) + "@example.org");
  dns.add_mx("example.org", {{10, "a.example.org"}}, 0s);
  queue(message(many));
  run();
  for (std::size_t i = 0; i < 250; ++i) EXPECT_EQ(outcome(0, i).action, Action::delivered) << i;
  EXPECT_FALSE(host_failed(0));
  EXPECT_EQ(peer.connections, 3);
  EXPECT_EQ(chains->routes, 3);

  couriers.reset();
  dns.add_mx("example.org", {{10, "a.example.org"}, {20, "b.example.org"}}, 300s);
  dns.add_addresses("b.example.org", {"192.0.2.2"});
  options.limits.max_messages = 1;
  queue(message(many));
  run();
  EXPECT_EQ(peer.connections, 6);
  EXPECT_EQ(other.connections, 0) << "the worse host has no part in it";
}

TEST_F(CourierTest, ADestinationsOwnLimits) {
  queue::DestinationRule rule;
  rule.match = {"example.org"};
  rule.connection.rcpt = 20s;
  rule.connection.idle_connection = 40s;
  rule.connection.max_messages = 2;
  const auto put = [&](const queue::DestinationRule& one) {
    options.rules = std::make_shared<const queue::DestinationRules>(std::vector{one});
  };
  put(rule);
  peer.answer("RCPT", {"", "", kSilent});
  start();
  queue(message());
  deliveries.want_courier(destination);
  world.run_for(30s);  // longer than options.limits.idle_connection
  queue(message());
  world.run_for(1s);
  EXPECT_EQ(deliveries.ended.size(), 2U);
  EXPECT_EQ(peer.connections, 1);
  rest();

  const TimePoint began = world.loop().now();
  queue(message());
  run();
  EXPECT_EQ(brief(2), "delayed 4.4.2 rcpt");
  EXPECT_EQ(peer.connections, 2);
  EXPECT_LT(world.loop().now() - began, 30s);

  // As for all again, from now on.
  options.rules = nullptr;
  couriers->set_options(options);
  peer.answer("RCPT", {kSilent});
  const TimePoint again = world.loop().now();
  queue(message());
  run();
  EXPECT_EQ(brief(3), "delayed 4.4.2 rcpt");
  EXPECT_GE(world.loop().now() - again, 5min);
}

TEST_F(CourierTest, ACourierWithoutAConnectionLeavesWhenItMayNotConnect) {
  deliveries.connections_left = 1;
  options.limits.max_messages = 2;
  for (int i = 0; i < 3; ++i) queue(message());
  start();
  deliveries.want_courier(destination);
  EXPECT_TRUE(world.run_until([this] { return couriers->size() == 0; }));
  EXPECT_EQ(deliveries.ended.size(), 2U);
  EXPECT_EQ(peer.connections, 1);
  EXPECT_EQ(deliveries.left, 1);
  deliveries.connections_left = 1;
  run();
  EXPECT_EQ(deliveries.ended.size(), 3U);
  EXPECT_EQ(deliveries.more_connections, 0);
}

TEST_F(CourierTest, EachFurtherConnectionOfAnAttemptIsTold) {
  two_hosts();
  peer.always("GREETING", "421 4.3.2 later" + kClose);
  queue(message());
  run();
  EXPECT_EQ(brief(), "delivered 2.0.0 final dot");
  EXPECT_EQ(deliveries.more_connections, 1) << "the second host";
}

/// A peer that never takes as long as it may, and never comes to an end.
TEST_F(CourierTest, AnAttemptWithoutAnEndIsEnded) {
  peer.extensions = {"SIZE"};
  deliveries.attempt_limit = 1h;
  std::vector<std::string> many;
  for (int i = 0; i < 90; ++i) many.push_back("u" + std::to_string(i) + "@example.org");
  peer.delay = 4min;
  queue(message(many));
  start();
  deliveries.want_courier(destination);
  world.run_for(1h - 1s);
  EXPECT_EQ(deliveries.ended.size(), 0U);
  world.run_for(2s);
  ASSERT_EQ(deliveries.ended.size(), 1U);
  EXPECT_EQ(brief(0, 0), "delayed 4.4.2 rcpt");
  EXPECT_EQ(brief(0, 89), "delayed 4.4.2 rcpt");
  EXPECT_TRUE(outcome().text.ends_with("the attempt took longer than queue.attempt_limit"));
  EXPECT_TRUE(host_failed());
  EXPECT_EQ(couriers->size(), 0U) << "its courier is free";
  EXPECT_EQ(deliveries.left, 1);
  world.run_for(5min);
  EXPECT_EQ(peer.open, 0) << "the connection is closed";
}

TEST_F(CourierTest, AnAttemptIsEndedWhileThePeerReadsDropByDrop) {
  peer.extensions = {"PIPELINING"};
  world.set_fault(at("192.0.2.1"), SimFault{.octets_per_second = 1000});
  auto record = message();
  record->file = std::make_shared<FileBody>(std::string(10'000'000, 'x'));
  queue(record);
  start();
  deliveries.want_courier(destination);
  world.run_for(1h + 1s);
  ASSERT_EQ(deliveries.ended.size(), 1U);
  EXPECT_EQ(brief(), "delayed 4.4.2 body");
  EXPECT_EQ(couriers->size(), 0U);
  EXPECT_TRUE(peer.contents.empty()) << "the next hop has nothing";
}

TEST_F(CourierTest, WhatWasToFollowAnEndedAttemptIsPutBackUntried) {
  queue(message());
  queue(message());
  peer.answer("DOT", {kSilent});
  options.limits.data_end = 1h;
  deliveries.attempt_limit = 10min;
  start();
  deliveries.want_courier(destination);
  rest();
  ASSERT_EQ(deliveries.ended.size(), 2U);
  EXPECT_EQ(brief(0), "delayed 4.4.2 final dot");
  EXPECT_TRUE(outcome(0).text.contains("it may have the message"));
  EXPECT_TRUE(deliveries.ended[1].result.untried) << "its time passed while it waited";
  EXPECT_EQ(peer.connections, 1);
}

TEST_F(CourierTest, ResetWhileTheContentIsSent) {
  world.set_fault(at("192.0.2.1"), SimFault{.reset_after = 200'000});
  auto record = message();
  record->file = std::make_shared<FileBody>(std::string(500'000, 'x'));
  queue(record);
  run();
  EXPECT_EQ(outcome().action, Action::delayed);
  EXPECT_TRUE(host_failed());
}

TEST_F(CourierTest, AnswersInSmallPieces) {
  world.set_fault(at("192.0.2.1"), SimFault{.largest_segment = 3});
  for (int i = 0; i < 5; ++i) queue(message());
  run();
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(brief(i), "delivered 2.0.0 final dot");
}

TEST_F(CourierTest, TransportOfAPlugin) {
  destination = {.transport = "maildir", .name = "example.org"};
  queue(message({"a@example.org", "b@example.org"}));
  run();
  EXPECT_EQ(chains->transported, "maildir");
  EXPECT_EQ(outcome(0, 1).action, Action::delivered);
  chains->lazy_transport = true;
  queue(message());
  run();
  EXPECT_EQ(brief(1), "delayed 4.3.5 transport");
}

// Nobody is called for a message that is not there; a disk that fails for a moment is asked again.
TEST_F(CourierTest, AMessageThatCannotBeReadCallsNobody) {
  for (const store::Errc code : {store::Errc::corrupt, store::Errc::io}) {
    auto record = message({"a@example.org"}, "");
    record->missing = store::Error{code, "bad sector"};
    queue(record);
  }
  run();
  EXPECT_EQ(peer.connections, 0);
  EXPECT_EQ(brief(0), "delayed 4.3.0 body");
  EXPECT_EQ(deliveries.ended[0].result.damage, "bad sector");
  EXPECT_EQ(deliveries.ended[1].result.damage, "");
  EXPECT_FALSE(host_failed(0) || host_failed(1));
}

TEST_F(CourierTest, AnUnreadableMessageDoesNotHurtTheOneBeforeIt) {
  auto record = message({"a@example.org"}, "");
  record->missing = store::Error{store::Errc::corrupt, "bad sector"};
  queue(message());
  queue(record);
  queue(message());
  run();
  EXPECT_EQ(brief(0), "delivered 2.0.0 final dot");
  EXPECT_EQ(deliveries.ended[1].result.damage, "bad sector");
  EXPECT_EQ(brief(2), "delivered 2.0.0 final dot");
}

TEST_F(CourierTest, ATransportOfAPluginNeverSeesADamagedBody) {
  destination = {.transport = "maildir", .name = "example.org"};
  auto record = message({"a@example.org"});
  record->file = std::make_shared<FileBody>(std::string(300'000, 'x'));
  record->file->is_damaged = true;
  queue(record);
  run();
  EXPECT_EQ(chains->transported, "");
  EXPECT_EQ(deliveries.ended[0].result.damage, "other octets than were accepted");
}

TEST_F(CourierTest, DrainFinishesWhatIsInHand) {
  start();
  queue(message());
  deliveries.want_courier(destination);
  EXPECT_TRUE(world.run_until([this] { return peer.connections == 1; }));
  queue(message());
  EXPECT_TRUE(world.finish(couriers->drain()));
  EXPECT_EQ(deliveries.ended.size(), 1U);
  EXPECT_EQ(deliveries.due.size(), 1U);
  EXPECT_EQ(deliveries.left, 1);
}

TEST_F(CourierTest, DrainDoesNotWaitForIdleConnections) {
  start();
  queue(message());
  deliveries.want_courier(destination);
  EXPECT_TRUE(world.run_until([this] { return deliveries.ended.size() == 1; }));
  world.run_for(200ms);
  const TimePoint before = world.now();
  EXPECT_TRUE(world.finish(couriers->drain()));
  EXPECT_LT(world.now() - before, 500ms);
  EXPECT_EQ(deliveries.left, 1);
}

TEST_F(CourierTest, CanBeDroppedAtAnyStep) {
  two_hosts();
  dns.add_addresses("a.example.org", {"192.0.2.1", "2001:db8::1"});
  world.set_fault(at("2001:db8::1"), SimFault{.kind = SimFault::Kind::black_hole});
  peer.extensions = {"PIPELINING"};
  bool finished = false;
  for (int steps = 1; !finished; ++steps) {
    ASSERT_LT(steps, 2000);
    deliveries.due.clear();
    for (int i = 0; i < 3; ++i) queue(message());
    start();
    deliveries.want_courier(destination);
    for (int i = 0; i < steps && couriers->size() > 0; ++i) world.step();
    finished = couriers->size() == 0;
    couriers.reset();
    world.run_until_idle();
  }
}

}  // namespace
}  // namespace postrider::deliver::testing
