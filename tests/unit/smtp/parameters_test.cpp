// SPDX-License-Identifier: MIT
// MAIL and RCPT parameters (RFC 5321 section 4.1.1.11 and the extensions).
#include "smtp/parameters.hpp"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

Offer everything() {
  Offer offer;
  offer.dsn = offer.binarymime = true;
  offer.auth_mechanisms = {"PLAIN"};
  return offer;
}
int mail_code(std::string_view text, const Offer& offer = everything()) {
  const auto parsed = parse_mail_parameters(text, offer);
  return parsed ? 250 : parsed.error().code;
}
int rcpt_code(std::string_view text, const Offer& offer = everything()) {
  const auto parsed = parse_rcpt_parameters(text, offer);
  return parsed ? 250 : parsed.error().code;
}

TEST(MailParameters, AreAllOptional) {
  EXPECT_EQ(*parse_mail_parameters("", Offer{}), MailParameters{});
  EXPECT_EQ(*parse_rcpt_parameters("", Offer{}), RcptParameters{});
}

TEST(MailParameters, AreReadInAnyCaseAndOrder) {
  const auto parsed = parse_mail_parameters(
      "smtputf8 size=500 Body=8bitMime ENVID=a+2Bb RET=hdrs AUTH=<>", everything());
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->size, 500U);
  EXPECT_EQ(parsed->body, Body::eight_bit);
  EXPECT_TRUE(parsed->smtputf8);
  EXPECT_EQ(parsed->envid, "a+2Bb");
  EXPECT_EQ(parsed->ret, Return::headers);
  EXPECT_EQ(parsed->auth, "<>");
  EXPECT_EQ(parse_mail_parameters("BODY=7BIT RET=FULL", everything())->body, Body::seven_bit);
}

TEST(MailParameters, TakeSizesOf64Bits) {
  const auto size = [](std::string_view text) {
    return parse_mail_parameters(text, Offer{})->size;
  };
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(size("SIZE=0"), 0U);
  EXPECT_EQ(size("SIZE=18446744073709551614"), kMost - 1);
  EXPECT_EQ(size("SIZE=18446744073709551615"), kMost);
  EXPECT_EQ(size("SIZE=18446744073709551616"), kMost);
  EXPECT_EQ(size("SIZE=99999999999999999999"), kMost);
  for (const char* text : {"SIZE", "SIZE=", "SIZE=-1", "SIZE=+1", "SIZE=0x10", "SIZE=1k",
                           "SIZE=1.5", "SIZE=100000000000000000000", "SIZE=1=1"})
    EXPECT_EQ(mail_code(text), 501) << text;
}

TEST(MailParameters, AreRefusedWhenUnknownOrNotOffered) {
  for (const char* text : {"FOO", "FOO=bar", "SIZEX=1", "X-Y=1", "NOTIFY=NEVER", "BY=1;R"})
    EXPECT_EQ(mail_code(text), 555) << text;
  for (const char* text : {"RET=FULL", "ENVID=x", "AUTH=<>", "BODY=BINARYMIME"})
    EXPECT_EQ(mail_code(text, Offer{}), 555) << text;
  EXPECT_EQ(mail_code("SMTPUTF8", Offer{.smtputf8 = false}), 555);
  EXPECT_EQ(rcpt_code("ORCPT=rfc822;a@b", Offer{}), 555);
  EXPECT_EQ(rcpt_code("SIZE=1"), 555);
  EXPECT_EQ(parse_mail_parameters("FOO=bar", Offer{}).error().status, (EnhancedStatus{5, 5, 4}));
}

TEST(MailParameters, AreRefusedWhenIllFormed) {
  for (const char* text : {"=",
                           "=x",
                           "\"",
                           "SIZE=1\tBODY=7BIT",
                           "SIZE=\x01",
                           "-X",
                           "A_B=1",
                           "BODY=",
                           "BODY",
                           "BODY=9BIT",
                           "SMTPUTF8=1",
                           "SMTPUTF8=",
                           "RET=ALL",
                           "RET",
                           "ENVID",
                           "ENVID=a+0A",
                           "ENVID=a+0D+0A",
                           "ENVID=a+",
                           "ENVID=\xc3\xa9",
                           "ENVID=+C3",
                           "AUTH=<a+0Ab>",
                           "AUTH=+00",
                           "X\xff",
                           "SIZE=1 ="})
    EXPECT_EQ(mail_code(text), 501) << text;
}

TEST(MailParameters, AreRefusedWhenGivenTwice) {
  for (const char* text : {"SIZE=1 SIZE=1", "SIZE=1 size=2", "BODY=7BIT BODY=7BIT",
                           "SMTPUTF8 SMTPUTF8", "ENVID=a ENVID=b", "RET=FULL RET=HDRS"})
    EXPECT_EQ(mail_code(text), 501) << text;
  EXPECT_EQ(rcpt_code("NOTIFY=DELAY NOTIFY=DELAY"), 501);
}

TEST(MailParameters, KeepTheLimits) {
  const auto envid = [](std::size_t n) { return mail_code("ENVID=" + std::string(n, 'e')); };
  EXPECT_EQ(envid(99), 250);
  EXPECT_EQ(envid(100), 250);
  EXPECT_EQ(envid(101), 501);
  const auto orcpt = [](std::size_t n) {
    return rcpt_code("ORCPT=rfc822;" + std::string(n - 7, 'o'));
  };
  EXPECT_EQ(orcpt(499), 250);
  EXPECT_EQ(orcpt(500), 250);
  EXPECT_EQ(orcpt(501), 501);
  std::string many;
  for (int i = 0; i < 100'000; ++i) many += "SIZE=1 ";
  EXPECT_EQ(mail_code(many), 501);
}

TEST(RcptParameters, TakeNotify) {
  const auto bits = [](std::string_view text) {
    return parse_rcpt_parameters(text, everything())->notify;
  };
  EXPECT_EQ(bits("NOTIFY=NEVER"), notify::kNever);
  EXPECT_EQ(bits("notify=success,Failure,DELAY"),
            notify::kSuccess | notify::kFailure | notify::kDelay);
  for (const char* text :
       {"NOTIFY", "NOTIFY=", "NOTIFY=,", "NOTIFY=NEVER,DELAY", "NOTIFY=DELAY,NEVER",
        "NOTIFY=DELAY,", "NOTIFY=DELAY,DELAY", "NOTIFY=SOMETIMES"})
    EXPECT_EQ(rcpt_code(text), 501) << text;
}

TEST(RcptParameters, TakeOrcptAsItCame) {
  EXPECT_EQ(parse_rcpt_parameters("ORCPT=rfc822;A+2Bb@c", everything())->orcpt, "rfc822;A+2Bb@c");
  EXPECT_EQ(rcpt_code("ORCPT=utf-8;j\\x{F6}rg@c"), 250);
  EXPECT_EQ(rcpt_code("ORCPT=utf-8;j\xc3\xb6rg@c"), 250);
  EXPECT_EQ(rcpt_code("ORCPT=utf-8;j\xc3\xb6rg@c", Offer{.smtputf8 = false, .dsn = true}), 501);
  for (const char* text : {"ORCPT",
                           "ORCPT=",
                           "ORCPT=a@b",
                           "ORCPT=rfc822;",
                           "ORCPT=;a",
                           "ORCPT=r c;a",
                           "ORCPT=rfc822;a+0D+0AX:+20y",
                           "ORCPT=rfc822;+7F",
                           "ORCPT=rfc822;a+2",
                           "ORCPT=rfc822;\xc3\xb6",
                           "ORCPT=rfc822;+FF",
                           "ORCPT=utf-8;\xc3",
                           "ORCPT=utf-8;\\x{0A}",
                           "ORCPT=utf-8;\\x{A}",
                           "ORCPT=utf-8;\\x{}",
                           "ORCPT=utf-8;\\x{2028}",
                           "ORCPT=utf-8;\\x{110000}",
                           "ORCPT=utf-8;\\x{F6",
                           "ORCPT=utf-8;\\y",
                           "ORCPT=utf-8;\\"})
    EXPECT_EQ(rcpt_code(text), 501) << text;
}

}  // namespace
}  // namespace postrider::smtp
