// SPDX-License-Identifier: MIT
// The probe against scripted servers in virtual time: what it sends, measures and keeps.
#include "control/probe.hpp"

#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <postrider/testing/fake_dns.hpp>

#include "runtime/sim/sim_world.hpp"
#include "runtime/task_set.hpp"
#include "support/drop_at.hpp"

namespace postrider::control {
namespace {

using runtime::SimFault;
using runtime::SimWorld;
using runtime::StreamPtr;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// After `wait` the server says `text`; an empty text: it waits for a line first.
struct Step {
  Duration wait{};
  std::string text;
};

class Server {
 public:
  Server(runtime::Runtime& loop, const std::string& address, std::vector<Step> steps)
      : loop_(loop), steps_(std::move(steps)), tasks_(loop) {
    acceptor_ =
        loop.listen(*SocketAddress::parse(address),
                    [this](StreamPtr stream) { tasks_.spawn(serve(*this, std::move(stream))); })
            .value();
  }
  std::string received;

 private:
  static Task<void> serve(Server& self, StreamPtr stream) {
    for (const Step& step : self.steps_) {
      co_await sleep_for(self.loop_, step.wait);
      if (step.text.empty()) {
        const auto got = co_await stream->read(self.received);
        if (!got) co_return;
      } else {
        co_await stream->write(step.text);
      }
    }
  }

  runtime::Runtime& loop_;
  std::vector<Step> steps_;
  runtime::AcceptorPtr acceptor_;
  runtime::TaskSet tasks_;
};

class ProbeTest : public ::testing::Test {
 protected:
  ProbeFacts run(const std::string& target,
                 ProbeOptions options = {.timeout = 30s, .hello = "me.test"}) {
    auto facts =
        world.finish(probe(client, dns, parse_probe_target(target).value(), std::move(options)));
    EXPECT_TRUE(facts.has_value());
    return std::move(*facts);
  }

  SimWorld world;
  runtime::Runtime& client = world.loop();
  runtime::Runtime& server_loop = world.add_loop();
  postrider::testing::ManualLoop no_loop;
  postrider::testing::FakeDns dns{no_loop};
};

const std::string kAddress = "192.0.2.25:25";
const std::string kEhlo = "250-mx.test at your service\r\n250-STARTTLS\r\n250 SIZE 1000\r\n";

TEST_F(ProbeTest, TimesEveryPhaseAndKeepsWhatWasOffered) {
  Server server(server_loop, kAddress,
                {{3s, "220 mx.test ESMTP\r\n"},
                 {0s, ""},
                 {2s, kEhlo},
                 {0s, ""},
                 {4s, "220 go ahead\r\n"},
                 {0s, ""}});
  dns.set_addresses("mx.test", {"192.0.2.25"});
  const ProbeFacts facts = run("mx.test");
  ASSERT_EQ(facts.phases.size(), 5U);
  EXPECT_EQ(facts.target, "mx.test:25");
  EXPECT_EQ(facts.phases[0].detail, "192.0.2.25");
  EXPECT_EQ(facts.phases[1].phase, ProbePhase::connect);
  EXPECT_GE(facts.phases[2].took, 3s);
  EXPECT_LT(facts.phases[2].took, 3100ms);
  EXPECT_EQ(facts.phases[2].detail, "220 mx.test ESMTP");
  EXPECT_GE(facts.phases[3].took, 2s);
  EXPECT_TRUE(facts.starttls);
  EXPECT_THAT(facts.keywords, ElementsAre("STARTTLS", "SIZE 1000"));
  EXPECT_EQ(facts.phases[4].phase, ProbePhase::starttls);
  EXPECT_EQ(facts.phases[4].end, ProbeEnd::ok);
  EXPECT_GE(facts.phases[4].took, 4s);
  world.run_for(1s);
  EXPECT_EQ(server.received, "EHLO me.test\r\nSTARTTLS\r\n") << "a QUIT would be no TLS";
}

TEST_F(ProbeTest, AServerThatOffersStarttlsAndRefusesItIsOddAndUsable) {
  Server server(
      server_loop, kAddress,
      {{0s, "220 x\r\n"}, {0s, ""}, {0s, kEhlo}, {0s, ""}, {0s, "454 no keys\r\n"}, {0s, ""}});
  const ProbeFacts facts = run("192.0.2.25");
  ASSERT_EQ(facts.phases.back().phase, ProbePhase::starttls);
  EXPECT_EQ(facts.phases.back().end, ProbeEnd::rejected);
  const Judgement judgement = judge(facts, 1s);
  EXPECT_EQ(judgement.usability, Usability::slow_or_odd);
  EXPECT_THAT(judgement.sentence, HasSubstr("does not begin TLS (rejected: 454 no keys)"));
  world.run_for(1s);
  EXPECT_THAT(server.received, HasSubstr("STARTTLS\r\nQUIT\r\n"));
}

TEST_F(ProbeTest, AMultilineBannerIsOneBanner) {
  Server server(server_loop, kAddress,
                {{0s, "220-one\r\n"}, {1s, "220 two\r\n"}, {0s, ""}, {0s, "250 mx.test\r\n"}});
  const ProbeFacts facts = run("192.0.2.25");
  EXPECT_EQ(facts.phases[1].detail, "220 one two");
  EXPECT_GE(facts.phases[1].took, 1s);
  EXPECT_FALSE(facts.starttls);
  EXPECT_TRUE(facts.keywords.empty());
}

TEST_F(ProbeTest, WithoutANameItGreetsWithItsAddress) {
  Server server(server_loop, kAddress, {{0s, "220 x\r\n"}, {0s, ""}, {0s, "250 x\r\n"}});
  run("192.0.2.25", {});
  EXPECT_THAT(server.received, HasSubstr("EHLO ["));
}

TEST_F(ProbeTest, HeloFollowsARefusedEhlo) {
  Server server(server_loop, kAddress,
                {{0s, "220 x\r\n"}, {0s, ""}, {0s, "502 what\r\n"}, {0s, ""}, {0s, "250 x\r\n"}});
  const ProbeFacts facts = run("192.0.2.25");
  ASSERT_EQ(facts.phases.size(), 4U);
  EXPECT_EQ(facts.phases[2].end, ProbeEnd::rejected);
  EXPECT_EQ(facts.phases[3].phase, ProbePhase::helo);
  EXPECT_EQ(facts.phases[3].end, ProbeEnd::ok);
}

TEST_F(ProbeTest, A421ToEhloEndsIt) {
  Server server(server_loop, kAddress, {{0s, "220 x\r\n"}, {0s, ""}, {0s, "421 bye\r\n"}});
  const ProbeFacts facts = run("192.0.2.25");
  EXPECT_EQ(facts.phases.back().phase, ProbePhase::ehlo);
  EXPECT_EQ(facts.phases.back().code, 421);
}

TEST_F(ProbeTest, LmtpIsGreetedWithLhlo) {
  Server server(server_loop, kAddress, {{0s, "220 x\r\n"}, {0s, ""}, {0s, "500 x\r\n"}});
  const ProbeFacts facts = run("192.0.2.25", {.timeout = 30s, .hello = "me.test", .lmtp = true});
  EXPECT_EQ(server.received, "LHLO me.test\r\n");
  EXPECT_EQ(facts.phases.back().end, ProbeEnd::rejected);
}

TEST_F(ProbeTest, AServerThatDripsOctetsIsSilentAfterTheTimeout) {
  std::vector<Step> drip;
  for (int i = 0; i < 100; ++i) drip.push_back({1s, "2"});
  Server server(server_loop, kAddress, std::move(drip));
  const ProbeFacts facts = run("192.0.2.25", {.timeout = 5s});
  EXPECT_TRUE(facts.phases.back().end == ProbeEnd::silent ||
              facts.phases.back().end == ProbeEnd::nonsense);
  EXPECT_LE(facts.phases.back().took, 6s);
}

TEST_F(ProbeTest, EachWayToFailBeforeTheBanner) {
  const auto end = [this](const std::string& target) {
    return run(target, {.timeout = 5s}).phases.back().end;
  };
  EXPECT_EQ(end("192.0.2.99"), ProbeEnd::refused);
  world.set_fault(*SocketAddress::parse("192.0.2.98:25"), {.kind = SimFault::Kind::black_hole});
  EXPECT_EQ(end("192.0.2.98"), ProbeEnd::silent);
  world.set_fault(*SocketAddress::parse("192.0.2.97:25"), {.kind = SimFault::Kind::unreachable});
  EXPECT_EQ(end("192.0.2.97"), ProbeEnd::unreachable);
  Server closes(server_loop, "192.0.2.96:25", {{1s, " "}});
  EXPECT_EQ(end("192.0.2.96"), ProbeEnd::closed);
  Server silent(server_loop, "192.0.2.95:25", {{1h, "220 x\r\n"}});
  EXPECT_EQ(end("192.0.2.95"), ProbeEnd::silent);
  Server refuses(server_loop, "192.0.2.94:25", {{0s, "554 5.7.1 no\r\n"}});
  EXPECT_EQ(end("192.0.2.94"), ProbeEnd::rejected);
  Server web(server_loop, "192.0.2.93:25", {{0s, "HTTP/1.1 400 Bad Request\r\n"}});
  EXPECT_EQ(end("192.0.2.93"), ProbeEnd::nonsense);
  EXPECT_EQ(end("nowhere.test"), ProbeEnd::no_name);
  dns.fail("broken.test", DnsFailure::servfail);
  EXPECT_EQ(end("broken.test"), ProbeEnd::no_dns);
}

TEST_F(ProbeTest, TheNextAddressIsTriedAfterADeadOne) {
  dns.set_addresses("mx.test", {"192.0.2.99", "192.0.2.25"});
  Server server(server_loop, kAddress, {{0s, "220 x\r\n"}, {0s, ""}, {0s, "250 x\r\n"}});
  const ProbeFacts facts = run("mx.test");
  ASSERT_EQ(facts.phases.size(), 5U);
  EXPECT_EQ(facts.phases[1].end, ProbeEnd::refused);
  EXPECT_EQ(facts.peer.text(), kAddress);
}

TEST_F(ProbeTest, LocalhostIsKnownWithoutDns) {
  Server server(server_loop, "127.0.0.1:25", {{0s, "220 x\r\n"}, {0s, ""}, {0s, "250 x\r\n"}});
  EXPECT_EQ(run("localhost").peer.text(), "127.0.0.1:25");
  EXPECT_TRUE(dns.questions().empty());
}

Task<void> whole_probe(runtime::Runtime& loop) {
  Server server(loop, kAddress,
                {{1s, "220 x\r\n"}, {1s, ""}, {1s, "502 x\r\n"}, {0s, ""}, {1s, kEhlo}});
  postrider::testing::ManualLoop no_loop;
  postrider::testing::FakeDns dns(no_loop);
  dns.set_addresses("mx.test", {"192.0.2.99", "192.0.2.25"});
  const ProbeTarget target{.host = "mx.test"};
  const ProbeFacts facts = co_await probe(loop, dns, target, {.timeout = 30s});
  EXPECT_EQ(facts.phases.back().end, ProbeEnd::ok);
}

TEST(ProbeDrop, AnyMomentIsAGoodOne) {
  EXPECT_GT(tests::drop_at_every_step([](SimWorld& world) { return whole_probe(world.loop()); }),
            10U);
}

TEST(ProbeTarget, IsAHostOrAnAddressWithOrWithoutPort) {
  const auto text = [](std::string_view target) { return parse_probe_target(target)->text(); };
  EXPECT_EQ(text("mx.test"), "mx.test:25");
  EXPECT_EQ(text("mx.test.:587"), "mx.test:587");
  EXPECT_EQ(text("192.0.2.1"), "192.0.2.1:25");
  EXPECT_EQ(text("192.0.2.1:2525"), "192.0.2.1:2525");
  EXPECT_EQ(text("2001:db8::1"), "[2001:db8::1]:25");
  EXPECT_EQ(text("[2001:db8::1]:26"), "[2001:db8::1]:26");
  for (const std::string_view bad : {"", ":25", "mx.test:", "mx.test:0", "mx.test:99999", "a b",
                                     "mx.test:25:26", "-x.test", "192.0.2.1:0"})
    EXPECT_FALSE(parse_probe_target(bad)) << bad;
}

}  // namespace
}  // namespace postrider::control
