// SPDX-License-Identifier: MIT
// Who is told of what (RFC 3461), and that nothing a remote says or a message holds breaks a
// report.
#include <algorithm>

#include "unit/plugins/ndr_world.hpp"

namespace postrider::testing {
namespace {

using namespace std::string_literals;

struct Ndr : NdrWorld {
  bool is_told(Action action, std::uint8_t notify, bool passed_on = false, bool before = false) {
    RecipientOutcome one = told("bob@example.net", action, {2, 0, 0}, "text");
    one.recipient.parameters.notify = notify;
    one.outcome.passed_on = passed_on;
    one.delay_reported = before;
    return !reports({one}).empty();
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t n = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
    return n;
  }
  /// What every report must be, whatever came in.
  static void expect_sound(const std::string& text) {
    std::size_t start = 0;
    while (start < text.size()) {
      const auto end = text.find("\r\n", start);
      ASSERT_NE(end, text.npos);
      EXPECT_LE(end - start, 998U);
      for (std::size_t i = start; i < end; ++i)
        ASSERT_TRUE(text[i] == '\t' || (text[i] >= ' ' && text[i] < '\x7f')) << i;
      start = end + 2;
    }
    const std::string delimiter = "\r\n--" + boundary_of(text);
    EXPECT_EQ(count(text, delimiter), 4U);
    EXPECT_TRUE(text.ends_with(delimiter + "--\r\n"));
    EXPECT_EQ(count(text, boundary_of(text)), 5U);
  }
};

TEST_F(Ndr, NotifyIsHonoured) {
  message.arrival = host.loop().wall_now() - 5h;
  using namespace notify;
  EXPECT_TRUE(is_told(Action::failed, kUnsaid));
  EXPECT_TRUE(is_told(Action::failed, kFailure | kDelay));
  EXPECT_FALSE(is_told(Action::failed, kNever));
  EXPECT_FALSE(is_told(Action::failed, kSuccess | kDelay));
  EXPECT_TRUE(is_told(Action::delayed, kUnsaid));
  EXPECT_TRUE(is_told(Action::delayed, kDelay));
  EXPECT_FALSE(is_told(Action::delayed, kFailure));
  EXPECT_FALSE(is_told(Action::delayed, kNever));
  EXPECT_FALSE(is_told(Action::delayed, kDelay, false, true)) << "once";
  EXPECT_FALSE(is_told(Action::delivered, kUnsaid));
  EXPECT_TRUE(is_told(Action::delivered, kSuccess));
  EXPECT_FALSE(is_told(Action::delivered, kSuccess, true)) << "the next hop reports";
  EXPECT_TRUE(is_told(Action::relayed, kSuccess));
  EXPECT_FALSE(is_told(Action::relayed, kFailure));
}

TEST_F(Ndr, WhatTheOperatorReturnedIsNotBlamedOnTheRemote) {
  RecipientOutcome one = answered("bob@example.net", Action::failed, "452 4.2.2 Mailbox full");
  one.outcome.status = {5, 0, 0};
  one.outcome.text = "returned by the operator: wrong list; before: mx.example.net: 452 full";
  const std::string text = reports({one}).at(0).octets;
  EXPECT_NE(text.find("The operator of this mail system ended the delivery. (5.0.0)"), text.npos);
  EXPECT_NE(text.find("In detail: returned by the operator: wrong list\r\n"), text.npos);
  EXPECT_NE(text.find("452 4.2.2 Mailbox full"), text.npos);
  EXPECT_NE(text.find("What you can do: Write to postmaster@"), text.npos);
  expect_sound(text);
}

TEST_F(Ndr, DelaysAreToldFromTheirTimeOnAndMarked) {
  message.arrival = host.loop().wall_now() - 4h + 1s;
  EXPECT_FALSE(is_told(Action::delayed, notify::kDelay));
  host.loop().advance(1s);
  RecipientOutcome never = told("eve@example.net", Action::delayed, {4, 4, 1});
  never.recipient.parameters.notify = notify::kNever;
  const auto all = reports({never, told("bob@example.net", Action::delayed, {4, 4, 1})});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].delays_told, std::vector<std::size_t>{1});
  EXPECT_EQ(all[0].octets.find("eve@"), std::string::npos);
  EXPECT_EQ(plugin().hooks().outcome->delay_notice(), 4h);
  EXPECT_TRUE(plugin().hooks().outcome->reports_failures());
}

TEST_F(Ndr, DelaysCanBeLeftOut) {
  settings = table({{"delay_notice", "0s"}});
  message.arrival = host.loop().wall_now() - 100h;
  EXPECT_FALSE(is_told(Action::delayed, notify::kDelay));
}

TEST_F(Ndr, TheNullPathIsNeverAnswered) {
  settings = table({{"double_bounce", "drop"}});
  message.sender = Path();
  EXPECT_TRUE(reports({unknown()}).empty());
}

TEST_F(Ndr, ThePostmasterHearsOfFailedReportsOnly) {
  message.sender = Path();
  message.arrival = host.loop().wall_now() - 5h;
  const auto all = reports({unknown(), told("eve@example.net", Action::delayed, {4, 4, 1})});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].to.text(), "postmaster@mx.example.org");
  EXPECT_EQ(all[0].octets.find("eve@"), std::string::npos);
  EXPECT_TRUE(reports({unknown("Postmaster@MX.example.org")}).empty()) << "no loop";
}

TEST_F(Ndr, ThePostmasterCanBeSet) {
  settings = table({{"postmaster", "admin@example.org"}});
  message.sender = Path();
  EXPECT_EQ(reports({unknown()}).at(0).to.text(), "admin@example.org");
  EXPECT_NE(load_error("ndr", table({{"postmaster", "no address"}})), "");
}

TEST_F(Ndr, HostileRepliesStayInTheirField) {
  const std::string seen = boundary_of(report({unknown()}));
  std::string flood;
  for (int i = 0; i < 500; ++i) flood += "line " + std::string(10000, 'a') + "\n";
  for (const std::string& text :
       {"--" + seen + "--\n--" + seen,
        std::string("x\r\nFinal-Recipient: rfc822; forged@x\r\n\r\n"),
        "\xff\xfe\x80 8-bit \xC3\xBC \x1b[2J\0 nul"s, flood, std::string(5000, ' '),
        std::string("\n\n\n."), std::string("\r.\r\n"), std::string()}) {
    const std::string made =
        report({answered("bob@example.net", Action::failed, Reply(550, {5, 1, 1}, text))});
    expect_sound(made);
    EXPECT_EQ(count(made, "\r\nFinal-Recipient:"), 1U);
    EXPECT_NE(made.find("\r\nFinal-Recipient: rfc822; bob@example.net\r\n"), made.npos);
    EXPECT_LE(made.size(), report({unknown()}).size() + 8192) << "at most 4 KiB, told twice";
    EXPECT_EQ(count(made, "forged@x\r\n\r\n"), 0U);
  }
}

TEST_F(Ndr, HostileOriginalsStayInTheirPart) {
  const std::string header = message.octets.substr(0, message.octets.find("\r\n\r\n") + 2);
  for (const std::string& octets :
       {header + "\r\n" + "nul\0 \r bare \n feed"s,
        header + "X: " + std::string(3000, 'l') + "\r\n\r\n",
        header + "Subject: \xFC\r\n\r\n\xFC\r\n", header + "\r\n" + std::string(2000, 'z'),
        std::string("no header at all"), std::string("\r\nbody only\r\n"),
        header + "Message-ID: <" + std::string(2000, 'm') +
            ">\r\nReferences: <a\r\nX-Evil: 1>\r\n\r\n",
        std::string("Message-ID: <a@b>\r\nReferences: ") + std::string(7000, '<') + "\r\n\r\n"}) {
    message.octets = octets;
    for (const Return ret : {Return::unsaid, Return::full, Return::headers}) {
      message.mail.ret = ret;
      const std::string made = report({unknown()});
      if (made.contains("Your message\r\n") || made.contains("Header of")) expect_sound(made);
      EXPECT_EQ(made.substr(0, made.find("\r\n\r\n")).find("X-Evil"), made.npos);
    }
  }
}

TEST_F(Ndr, AnUnreadableMessageIsReportedWithoutItsHeader) {
  message.unreadable = true;
  message.in_memory = false;
  const std::string made = report({unknown()});
  EXPECT_NE(made.find("Status: 5.1.1\r\n"), made.npos);
  EXPECT_EQ(made.find("rfc822-headers"), made.npos);
  EXPECT_EQ(count(made, "\r\n--" + boundary_of(made)), 3U);
}

TEST_F(Ndr, BoundariesAndMessageIdsAreFresh) {
  const std::string one = report({unknown()});
  const std::string two = report({unknown()});
  EXPECT_NE(boundary_of(one), boundary_of(two));
  EXPECT_NE(with_known_boundary(one), with_known_boundary(two)) << "Message-ID";
}

TEST_F(Ndr, StatusAgreesWithTheAction) {
  RecipientOutcome one = told("bob@example.net", Action::failed, {4, 4, 7}, "time is up");
  EXPECT_NE(report({one}).find("\r\nStatus: 5.4.7\r\n"), std::string::npos);
  one.outcome.status = {};
  EXPECT_NE(report({one}).find("\r\nStatus: 5.0.0\r\n"), std::string::npos);
}

TEST_F(Ndr, EveryStatusHasAReasonAndARemedy) {
  for (std::uint16_t subject = 0; subject < 9; ++subject)
    for (std::uint16_t detail = 0; detail < 30; ++detail) {
      const std::string made =
          report({told("bob@example.net", Action::failed, {5, subject, detail})});
      EXPECT_NE(made.find("    What you can do: "), made.npos);
      EXPECT_TRUE(made.contains("(5." + std::to_string(subject) + ".")) << subject;
    }
}

TEST_F(Ndr, ToAnInternationalSenderItNeedsSmtputf8) {
  EXPECT_FALSE(reports({unknown()}).at(0).smtputf8);
  message.sender = Path::parse("\xC3\xA5sa@example.org", true).value();
  EXPECT_TRUE(reports({unknown()}).at(0).smtputf8);
}

}  // namespace
}  // namespace postrider::testing
