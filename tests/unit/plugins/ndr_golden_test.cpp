// SPDX-License-Identifier: MIT
// Whole reports, octet for octet, against tests/golden/ndr/*.ref. To accept a change on purpose:
// POSTRIDER_NEW_GOLDEN=1 build/debug/tests/plugins_test --gtest_filter='NdrGolden.*', then read the
// difference in the version control.
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "unit/plugins/ndr_world.hpp"

namespace postrider::testing {
namespace {

struct NdrGolden : NdrWorld {
  void expect_golden(const std::string& name, const std::vector<RecipientOutcome>& outcomes) {
    const std::string made = with_known_boundary(report(outcomes));
    const std::string file = POSTRIDER_GOLDEN "/ndr/" + name + ".ref";
    if (std::getenv("POSTRIDER_NEW_GOLDEN")) std::ofstream(file, std::ios::binary) << made;
    std::ifstream in(file, std::ios::binary);
    const std::string kept{std::istreambuf_iterator<char>(in), {}};
    EXPECT_FALSE(kept.empty()) << file;
    EXPECT_EQ(made, kept);
  }
  void set_header(const std::string& fields) { message.octets = fields + message.octets; }
};

TEST_F(NdrGolden, UnknownUser) {
  expect_golden("unknown_user", {unknown()});
}

TEST_F(NdrGolden, ThreeRecipientsThreeReasons) {
  expect_golden(
      "three_reasons",
      {unknown(),
       answered("carol@example.net", Action::failed, "552 5.2.2 The mailbox is over its quota"),
       answered("dave@example.net", Action::failed,
                Reply(550, {5, 7, 1},
                      "Blocked by the list at example.com.\nSee https://example.com/why?q=1"))});
}

TEST_F(NdrGolden, EnvelopeIdAndOriginalRecipients) {
  message.mail.envid = "order+2D4711+3Dx";
  message.mail.ret = Return::full;
  RecipientOutcome one = unknown();
  one.recipient.parameters = {notify::kFailure, "rfc822;Bob+2BWork@example.org"};
  expect_golden("envelope_id", {one});
}

TEST_F(NdrGolden, HeaderOnlyOnDemand) {
  message.mail.ret = Return::headers;
  expect_golden("header_only", {unknown()});
}

TEST_F(NdrGolden, TooLargeToReturn) {
  settings = table({{"max_returned", "1KiB"}});
  message.mail.ret = Return::full;
  message.octets += std::string(500, 'x') + "\r\n" + std::string(500, 'y') + "\r\n";
  expect_golden("too_large", {answered("bob@example.net", Action::failed,
                                       "552 5.3.4 Message size exceeds fixed limit")});
}

TEST_F(NdrGolden, NoSuchDomain) {
  expect_golden("no_such_domain", {told("bob@nowhere.example", Action::failed, {5, 1, 2},
                                        "the domain nowhere.example does not exist")});
}

TEST_F(NdrGolden, NullMx) {
  expect_golden("null_mx", {told("bob@nomail.example", Action::failed, {5, 1, 10},
                                 "the domain nomail.example takes no mail (null MX)")});
}

TEST_F(NdrGolden, Loop) {
  expect_golden("loop", {told("bob@home.example", Action::failed, {5, 4, 6},
                              "the next hop 192.0.2.1:25 is a listener of this host; loopback "
                              "rule \"listener\", key plugin.loopback.action")});
}

TEST_F(NdrGolden, TimeIsUp) {
  message.arrival = host.loop().wall_now() - 120h;
  RecipientOutcome one =
      answered("bob@example.net", Action::failed, "451 4.7.1 Greylisted, please come back");
  one.outcome.status = {5, 4, 7};
  one.attempted = false;
  one.attempts = 34;
  expect_golden("time_is_up", {one});
}

TEST_F(NdrGolden, GivenUpTogether) {
  message.arrival = host.loop().wall_now() - 120h;
  RecipientOutcome tried = answered("bob@example.net", Action::failed, "452 4.2.2 Mailbox full");
  RecipientOutcome dead = told("carol@dead.example", Action::failed, {5, 4, 7},
                               "delivery time expired; mx.dead.example [192.0.2.66]: could not "
                               "connect: timed out");
  RecipientOutcome never = told("dave@busy.example", Action::failed, {5, 4, 7},
                                "delivery time expired; it could never be tried");
  RecipientOutcome unknown_at_last = unknown();
  unknown_at_last.recipient.path = Path::parse("erin@example.net").value();
  for (RecipientOutcome* one : {&tried, &dead, &never}) {
    one->outcome.status = {5, 4, 7};
    one->attempted = false;
    one->attempts = 34;
  }
  never.attempts = 0;
  expect_golden("given_up_together", {tried, dead, never, unknown_at_last});
}

TEST_F(NdrGolden, Delayed) {
  message.arrival = host.loop().wall_now() - 4h;
  RecipientOutcome one = told("bob@example.net", Action::delayed, {4, 4, 1},
                              "mail.example.net [192.0.2.25]: could not connect: timed out");
  one.outcome.remote = "mail.example.net [192.0.2.25]";
  one.attempted = false;
  one.give_up_at = message.arrival + 5 * 24h;
  expect_golden("delayed", {one});
}

TEST_F(NdrGolden, Delivered) {
  RecipientOutcome one = told("bob@example.org", Action::delivered, {2, 0, 0}, "delivered");
  one.recipient.parameters.notify = notify::kSuccess;
  expect_golden("delivered", {one});
}

TEST_F(NdrGolden, Relayed) {
  RecipientOutcome one = answered("bob@example.net", Action::relayed, "250 2.0.0 Queued as 42");
  one.recipient.parameters.notify = notify::kSuccess | notify::kFailure;
  expect_golden("relayed", {one});
}

TEST_F(NdrGolden, FailedAndRelayedTogether) {
  RecipientOutcome one = answered("carol@example.net", Action::relayed, "250 2.0.0 Queued as 42");
  one.recipient.parameters.notify = notify::kSuccess;
  expect_golden("failed_and_relayed", {one, unknown()});
}

TEST_F(NdrGolden, ThreadOfTheOriginal) {
  set_header("References: <first@example.org> junk <bad id@x>\r\n <second@example.org>\r\n");
  expect_golden("thread", {unknown()});
}

TEST_F(NdrGolden, EightBitContent) {
  set_header(
      "X-Note: Gr\xC3\xBC\xC3\x9F"
      "e\r\n");
  message.octets +=
      "Sch\xC3\xB6ne Gr\xC3\xBC\xC3\x9F"
      "e\r\n";
  expect_golden("eight_bit_unasked", {unknown()});
}

TEST_F(NdrGolden, EightBitContentReturnedWhole) {
  message.mail.ret = Return::full;
  message.mail.body = Body::eight_bit;
  message.octets +=
      "Sch\xC3\xB6ne Gr\xC3\xBC\xC3\x9F"
      "e\r\n";
  expect_golden("eight_bit_whole", {unknown()});
}

TEST_F(NdrGolden, Smtputf8Downgraded) {
  message.mail.smtputf8 = true;
  set_header("X-Note: \xE5\xBC\xB5\r\n");
  RecipientOutcome one =
      told("\xE5\xBC\xB5@example.net", Action::failed, {5, 6, 7},
           "mail.example.net [192.0.2.25] takes no recipient address with UTF-8");
  one.recipient.parameters.orcpt = "utf-8;\\x{5F35}@example.net";
  expect_golden("smtputf8_downgraded", {one});
}

TEST_F(NdrGolden, Smtputf8) {
  message.mail.smtputf8 = true;
  message.sender = Path::parse("\xC3\xA5sa@example.org", true).value();
  set_header("X-Note: \xE5\xBC\xB5\r\n");
  expect_golden("smtputf8", {unknown(), answered("\xE5\xBC\xB5@example.net", Action::failed,
                                                 "550 5.1.1 No such user")});
}

TEST_F(NdrGolden, DoubleBounce) {
  message.sender = Path();
  expect_golden("double_bounce", {unknown("victim@example.net")});
}

}  // namespace
}  // namespace postrider::testing
