// SPDX-License-Identifier: MIT
// The arguments of MAIL and RCPT: forms that must be taken, and those of attackers (V001 to V016).
#include "smtp/path.hpp"

#include <string>

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

using namespace std::string_view_literals;

std::string mail(std::string_view argument, bool utf8 = true) {
  const auto parsed = parse_mail_argument(argument, utf8);
  return parsed ? parsed->path.bracketed()
                : std::to_string(parsed.error().code) + " " + parsed.error().status.text();
}
std::string rcpt(std::string_view argument, bool utf8 = false) {
  const auto parsed = parse_rcpt_argument(argument, utf8);
  return parsed ? parsed->path.bracketed()
                : std::to_string(parsed.error().code) + " " + parsed.error().status.text();
}

TEST(MailArgument, TakesPaths) {
  EXPECT_EQ(mail("FROM:<>"), "<>");
  EXPECT_EQ(mail("from:<a@b.example>"), "<a@b.example>");
  EXPECT_EQ(mail("FROM: <a@b>"), "<a@b>");
  EXPECT_EQ(mail("FROM:<a@b.>"), "<a@b>");
  EXPECT_EQ(mail("FROM:<\"a> b\\\"\"@c>"), "<\"a> b\\\"\"@c>");
  EXPECT_EQ(mail("FROM:<a@[192.0.2.1]>"), "<a@[192.0.2.1]>");
  EXPECT_EQ(mail("FROM:<a@[IPv6:::1]>"), "<a@[IPv6:::1]>");
}

TEST(MailArgument, ReadsItsParameters) {
  const auto parsed = parse_mail_argument("FROM:<a@b>  SIZE=12   BODY=8BITMIME SMTPUTF8", true);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->parameters.size, 12U);
  EXPECT_TRUE(parsed->parameters.eight_bit());
  EXPECT_TRUE(parsed->parameters.smtputf8);
  EXPECT_EQ(mail("FROM:<> SMTPUTF8", false), "555 5.5.4");
}

TEST(MailArgument, RefusesBadForms) {
  for (const std::string_view argument :
       {""sv, "FROM"sv, "FROM:"sv, "FROM:  <a@b>"sv, "FROM:a@b"sv, "FROM :<a@b>"sv, "TO:<a@b>"sv,
        "<a@b>"sv, "FROM:<a@b"sv, "FROM:<a@b>SIZE=1"sv, "FROM:<\"a>"sv, "FROM:<a@b>\t"sv,
        "FROM:\"|cmd\""sv, "FROM:<a@b> ="sv, "FROM:=\""sv, "FROM:<a@b> =x"sv, "FROM:<a@b> SIZE="sv})
    EXPECT_EQ(mail(argument), "501 5.5.4") << argument;
  for (const std::string_view argument :
       {"FROM:<a>"sv, "FROM:<Postmaster>"sv, "FROM:<@>"sv, "FROM:<a@>"sv, "FROM:< >"sv,
        "FROM:<a b@c>"sv, "FROM:<a@b\0c>"sv, "FROM:<\"a\\\rb\"@d>"sv,
        "FROM:<;for i in 0 1 2 3;do read r;done;sh;exit 0;>"sv, "FROM:<<a@b>"sv, "FROM:<a@[]>"sv,
        "FROM:<a@[IPv6:1:2:3:4:5:6:7:8:9]>"sv, "FROM:<a@[999.1.1.1]>"sv, "FROM:<\xff@b>"sv})
    EXPECT_EQ(mail(argument), "501 5.1.7") << argument;
}

TEST(MailArgument, TakesUtf8OnlyWhenSaid) {
  EXPECT_EQ(mail("FROM:<\xc3\xbc@b> SMTPUTF8"), "<\xc3\xbc@b>");
  EXPECT_EQ(mail("FROM:<\xc3\xbc@b>"), "553 5.6.7");
  EXPECT_EQ(mail("FROM:<\xc3\xbc@b> SMTPUTF8", false), "555 5.5.4");
  EXPECT_EQ(rcpt("TO:<\xc3\xbc@b>", true), "<\xc3\xbc@b>");
  EXPECT_EQ(rcpt("TO:<\xc3\xbc@b>"), "553 5.6.7");
}

TEST(RcptArgument, TakesPaths) {
  EXPECT_EQ(rcpt("TO:<a@b>"), "<a@b>");
  EXPECT_EQ(rcpt("to: <Postmaster>"), "<Postmaster>");
  EXPECT_EQ(rcpt("TO:<${run{/bin/sh}}@localhost>"), "<${run{/bin/sh}}@localhost>") << "inert text";
  EXPECT_EQ(rcpt("TO:<|/bin/sh@d>"), "<|/bin/sh@d>") << "inert text";
  EXPECT_EQ(rcpt("TO:<\"/../../x\"@d>"), "<\"/../../x\"@d>");
  EXPECT_EQ(rcpt("TO:<u%x@us>"), "<u%x@us>");
}

TEST(RcptArgument, RefusesBadForms) {
  for (const std::string_view argument :
       {"TO:<>"sv, "TO:<a>"sv, "TO:<:include:/etc/passwd@d>"sv, "TO:<../../../tmp/x@d>"sv,
        "TO:</etc/passwd>"sv, "TO:<user@good\0.evil>"sv, "TO:<a@x.org b@in.org>"sv, "TO:<a@@b>"sv})
    EXPECT_EQ(rcpt(argument), "501 5.1.3") << argument;
  for (const std::string_view argument : {"FROM:<a@b>"sv, "TO:a@b"sv, "TO:<a@b>,<c@d>"sv, "TO:"sv})
    EXPECT_EQ(rcpt(argument), "501 5.5.4") << argument;
  EXPECT_EQ(rcpt("TO:<a@b> NOTIFY=NEVER"), "555 5.5.4") << "DSN is not offered";
}

TEST(SourceRoute, IsReadAndIgnored) {
  EXPECT_EQ(rcpt("TO:<@a,@b.example:u@d>"), "<u@d>");
  EXPECT_EQ(mail("FROM:<@a:u@d>"), "<u@d>");
  for (const std::string_view argument :
       {"TO:<@a>"sv, "TO:<@a:>"sv, "TO:<@:u@d>"sv, "TO:<@a,:u@d>"sv, "TO:<@a,b:u@d>"sv,
        "TO:<@a,,@b:u@d>"sv, "TO:<@a b:u@d>"sv, "TO:<@a@b:u@d>"sv, "TO:<@a:@b:u@d>"sv,
        "TO:<@a:Postmaster>"sv, "TO:<@-a:u@d>"sv})
    EXPECT_EQ(rcpt(argument), "501 5.1.3") << argument;
  std::string longest = "TO:<@a";
  while (longest.size() < 10'000) longest += ",@a";
  EXPECT_EQ(rcpt(longest + ":u@d>"), "501 5.1.3");
}

TEST(PathLimits, AreThoseOfTheStandard) {
  const auto with_local = [](std::size_t n) { return rcpt("TO:<" + std::string(n, 'a') + "@d>"); };
  EXPECT_NE(with_local(63), "501 5.1.3");
  EXPECT_NE(with_local(64), "501 5.1.3");
  EXPECT_EQ(with_local(65), "501 5.1.3");
  EXPECT_EQ(rcpt("TO:<" + std::string(1'000'000, '<') + "@d>"), "501 5.1.3");
  EXPECT_EQ(rcpt("TO:<" + std::string(1'000'000, '"') + "@d>"), "501 5.1.3");
  EXPECT_EQ(rcpt("TO:<" + std::string(999'999, '\\') + "@d>"), "501 5.1.3");
}

}  // namespace
}  // namespace postrider::smtp
