// SPDX-License-Identifier: MIT
// The doctor's other groups: host, relay rules, listeners, spool, name servers. Facts in, grade
// out.
#include "control/doctor.hpp"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <postrider/testing/fake_dns.hpp>
#include <postrider/testing/run.hpp>

#include "control/doctor_dns.hpp"
#include "control/doctor_host.hpp"
#include "control/doctor_listeners.hpp"
#include "control/doctor_relay.hpp"
#include "control/doctor_spool.hpp"
#include "unit/control/findings.hpp"

namespace postrider::control {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

IpAddress address(std::string_view text) {
  return IpAddress::parse(text).value();
}
DnsResult<IpAddress> answer(std::vector<std::string> texts) {
  DnsAnswer<IpAddress> found;
  for (const std::string& text : texts) found.records.push_back(address(text));
  return found;
}

TEST(DoctorHost, TheNameMustBeFullyQualified) {
  EXPECT_EQ(check_hostname("mail.example.org").grade, Grade::ok);
  EXPECT_EQ(check_hostname("Mail.Example.ORG").grade, Grade::ok);
  for (const char* bad : {"mail", "localhost", "localhost.localdomain", "my_host.example.org", "",
                          "10.0.0.1", "box.local"})
    EXPECT_EQ(check_hostname(bad).grade, Grade::wrong) << bad;
}

TEST(DoctorHost, TheNameLeadsToAnInterface) {
  const auto here =
      check_own_address("m.test", answer({"192.0.2.9", "192.0.2.1"}), {address("192.0.2.1")}, {});
  EXPECT_EQ(here.grade, Grade::ok);
  EXPECT_THAT(here.text, HasSubstr("m.test is 192.0.2.1"));
}

TEST(DoctorHost, BehindNatThePublicAddressMustBeTold) {
  const auto silent =
      check_own_address("m.test", answer({"198.51.100.1"}), {address("10.0.0.1")}, {});
  EXPECT_EQ(silent.grade, Grade::warning);
  EXPECT_THAT(silent.advice, HasSubstr("--public 198.51.100.1"));
  EXPECT_EQ(check_own_address("m.test", answer({"198.51.100.1"}), {address("10.0.0.1")},
                              {address("198.51.100.1")})
                .grade,
            Grade::ok);
  EXPECT_EQ(check_own_address("m.test", std::unexpected(DnsError{}), {}, {}).grade, Grade::wrong);
}

TEST(DoctorHost, TheAccountMustExist) {
  EXPECT_TRUE(check_account("", false, "", false).empty());
  ASSERT_EQ(check_account("mail", true, "", false).size(), 1U);
  EXPECT_EQ(check_account("mail", true, "", false).front().grade, Grade::ok);
  const auto none = check_account("no-such-account", false, "no-such-group", false);
  ASSERT_EQ(none.size(), 2U);
  EXPECT_EQ(none[0].grade, Grade::wrong);
  EXPECT_THAT(none[0].text, HasSubstr("no account \"no-such-account\""));
  EXPECT_THAT(none[1].advice, HasSubstr("server.group"));
}

TEST(DoctorHost, DescriptorsMustSufficeForTheSessions) {
  EXPECT_EQ(check_descriptors(1'000'000, 1'000'000, 10'000).grade, Grade::ok);
  EXPECT_EQ(check_descriptors(12'500, 12'500, 10'000).grade, Grade::ok);
  EXPECT_EQ(check_descriptors(12'499, 12'499, 10'000).grade, Grade::warning);
  EXPECT_THAT(check_descriptors(1024, 1'000'000, 10'000).advice, HasSubstr("LimitNOFILE=12500"));
  EXPECT_THAT(check_descriptors(1024, 4096, 10'000).advice, HasSubstr("hard limit (4096)"));
}

TEST(DoctorHost, TheClockIsSaneAndEven) {
  const WallTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
  EXPECT_EQ(check_clock(now, 0ms, 1s).grade, Grade::ok);
  EXPECT_EQ(check_clock(now, 90ms, 1s).grade, Grade::ok);
  EXPECT_EQ(check_clock(now, 3s, 1s).grade, Grade::warning);
  EXPECT_EQ(check_clock(now, -3s, 1s).grade, Grade::warning);
  EXPECT_EQ(check_clock(WallTime(), 0ms, 1s).grade, Grade::wrong);
}

TEST(DoctorRelay, ClosedAndNarrowIsFine) {
  EXPECT_EQ(worst_of(check_relay({}, {})), Grade::ok);
  EXPECT_EQ(worst_of(check_relay({"10.0.0.0/8", "192.0.2.1", "2001:db8::/32"}, {".example.org"})),
            Grade::ok);
}

TEST(DoctorRelay, OpenIsWrong) {
  for (const char* all : {"0.0.0.0/0", "::/0"})
    EXPECT_EQ(worst_of(check_relay({"10.0.0.0/8", all}, {})), Grade::wrong) << all;
  EXPECT_EQ(worst_of(check_relay({}, {"*"})), Grade::wrong);
  EXPECT_EQ(worst_of(check_relay({}, {".org"})), Grade::warning);
  EXPECT_EQ(worst_of(check_relay({}, {"*.org"})), Grade::warning);
  EXPECT_EQ(worst_of(check_relay({"0.0.0.0/1", "128.0.0.0/1"}, {})), Grade::warning);
}

ProbeFacts probed(ProbePhase phase, ProbeEnd end, Duration took, std::string detail) {
  ProbeFacts facts;
  facts.phases.push_back({phase, end, took, std::move(detail)});
  return facts;
}

TEST(DoctorListeners, UnspecifiedIsReachedOverLoopback) {
  EXPECT_EQ(reachable(*SocketAddress::parse("0.0.0.0:25")).text(), "127.0.0.1:25");
  EXPECT_EQ(reachable(*SocketAddress::parse("[::]:25")).text(), "[::1]:25");
  EXPECT_EQ(reachable(*SocketAddress::parse("192.0.2.1:25")).text(), "192.0.2.1:25");
}

TEST(DoctorListeners, EachState) {
  const auto grade = [](const ProbeFacts& facts) {
    return check_listener("[::]:25", facts, "mx.test").grade;
  };
  EXPECT_EQ(grade(probed(ProbePhase::banner, ProbeEnd::ok, 1ms, "220 MX.test ESMTP")), Grade::ok);
  EXPECT_EQ(grade(probed(ProbePhase::banner, ProbeEnd::ok, 2s, "220 mx.test")), Grade::warning);
  EXPECT_EQ(grade(probed(ProbePhase::banner, ProbeEnd::ok, 1ms, "220 other")), Grade::warning);
  EXPECT_EQ(grade(probed(ProbePhase::banner, ProbeEnd::rejected, 1ms, "421 mx.test busy")),
            Grade::warning);
  EXPECT_EQ(grade(probed(ProbePhase::banner, ProbeEnd::silent, 10s, "")), Grade::wrong);
  const auto refused =
      check_listener("[::]:25", probed(ProbePhase::connect, ProbeEnd::refused, 1ms, ""), "mx.test");
  EXPECT_EQ(refused.grade, Grade::wrong);
  EXPECT_EQ(refused.text, "nothing answers on [::]:25: refused");
}

TEST(DoctorSpool, EachState) {
  SpoolFacts good{.path = "/s",
                  .exists = true,
                  .is_folder = true,
                  .free = 5ULL << 30,
                  .largest = 50 << 20,
                  .flush = std::chrono::microseconds(300)};
  EXPECT_THAT(
      lines_of(check_spool(good)),
      ElementsAre("ok spool.folder: /s can be written", "ok spool.room: 5120 MiB free in /s",
                  "ok spool.flush: a flush takes 0.30 ms (median of 10)"));
  SpoolFacts slow = good;
  slow.flush = std::chrono::milliseconds(25);
  EXPECT_THAT(lines_of(check_spool(slow)), Contains(StartsWith("warning spool.flush")));
  SpoolFacts tight = good;
  tight.free = 500 << 20;
  EXPECT_THAT(lines_of(check_spool(tight)), Contains(StartsWith("warning spool.room")));
  tight.free = 100 << 20;
  EXPECT_THAT(lines_of(check_spool(tight)), Contains(StartsWith("wrong spool.room")));
  EXPECT_EQ(worst_of(check_spool({.path = "/s", .parent_exists = true})), Grade::warning);
  EXPECT_EQ(worst_of(check_spool({.path = "/s"})), Grade::wrong);
  EXPECT_EQ(worst_of(check_spool({.path = "/s", .exists = true})), Grade::wrong);
  EXPECT_EQ(worst_of(check_spool({.path = "/s", .in_memory = true})), Grade::warning);
}

TEST(DoctorSpool, LookingLeavesNothingBehind) {
  std::string folder = ::testing::TempDir() + "/doctor-spool-XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  const SpoolFacts facts = look_at_spool(folder);
  EXPECT_TRUE(facts.is_folder);
  EXPECT_TRUE(facts.flush.has_value());
  EXPECT_EQ(facts.not_writable, "");
  EXPECT_GT(facts.free, 0U);
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::ofstream(folder + "/file") << "x";
  EXPECT_FALSE(look_at_spool(folder + "/file").is_folder);
  EXPECT_TRUE(look_at_spool(folder + "/missing").parent_exists);
  EXPECT_FALSE(look_at_spool(folder + "/missing/deeper").parent_exists);
  std::filesystem::remove_all(folder);
}

class DoctorDns : public ::testing::Test {
 protected:
  Finding run(std::string_view server = "192.0.2.53:53") {
    return check_name_server(postrider::testing::run(
        loop, time_name_server(loop, dns, *SocketAddress::parse(server), "m.test")));
  }
  postrider::testing::ManualLoop loop;
  postrider::testing::FakeDns dns{loop};
};

TEST_F(DoctorDns, AFastAnswerIsFineEvenANegativeOne) {
  dns.set_addresses("m.test", {"192.0.2.1"});
  EXPECT_EQ(run().text, "192.0.2.53:53 answers after 0 ms, over the network");
  dns.fail("m.test", DnsFailure::nxdomain);
  EXPECT_EQ(run("127.0.0.1:53").text, "127.0.0.1:53 answers after 0 ms, on this machine");
  EXPECT_EQ(run().grade, Grade::ok);
}

TEST_F(DoctorDns, SlowAndDeadAreNamed) {
  dns.delay("m.test", 700ms);
  EXPECT_EQ(run().grade, Grade::warning);
  EXPECT_THAT(run().text, HasSubstr("after 700 ms"));
  dns.fail("m.test", DnsFailure::timeout);
  EXPECT_EQ(run().grade, Grade::wrong);
  dns.fail("m.test", DnsFailure::refused);
  EXPECT_THAT(run().text, HasSubstr("REFUSED"));
}

TEST(DoctorReport, TextAndJsonSayTheSame) {
  const Findings findings{ok("a.b", "fine"), warning("c", "hm", "do this")};
  EXPECT_EQ(findings_text(findings),
            "ok       a.b              fine\n"
            "warning  c                hm\n"
            "                          -> do this\n");
  const Json json = findings_json(findings);
  EXPECT_EQ(json.at("result"), "warning");
  EXPECT_EQ(json.at("findings").at(1).at("advice"), "do this");
  EXPECT_EQ(worst_of({}), Grade::ok);
}

}  // namespace
}  // namespace postrider::control
