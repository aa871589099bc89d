// SPDX-License-Identifier: MIT
// Lines as commands, and which of them may come when (RFC 5321 sections 4.1.1 and 4.1.4).
#include "smtp/command.hpp"

#include <string>

#include <gtest/gtest.h>

#include "smtp/command_order.hpp"

namespace postrider::smtp {
namespace {

int refused(std::string_view line, SessionState state) {
  const auto reply = check_order(parse_command(line), state);
  return reply ? reply->code : 0;
}

constexpr auto kStates = {SessionState::connected, SessionState::greeted, SessionState::mail,
                          SessionState::rcpt};

TEST(Command, TakesVerbsInAnyCase) {
  EXPECT_EQ(parse_command("EHLO a.example").verb, Verb::ehlo);
  EXPECT_EQ(parse_command("eHlO a.example").argument, "a.example");
  for (const Verb verb : {Verb::helo, Verb::ehlo, Verb::lhlo, Verb::mail, Verb::rcpt, Verb::data,
                          Verb::rset, Verb::noop, Verb::quit, Verb::vrfy, Verb::expn, Verb::help,
                          Verb::starttls, Verb::auth, Verb::bdat, Verb::etrn})
    EXPECT_EQ(parse_command(verb_name(verb)).verb, verb) << verb_name(verb);
}

TEST(Command, ToleratesWhiteSpaceAroundTheArgument) {
  EXPECT_EQ(parse_command("QUIT  \t").argument, "");
  EXPECT_EQ(parse_command("MAIL   FROM:<a@b>  SIZE=1 \t ").argument, "FROM:<a@b>  SIZE=1");
  EXPECT_EQ(parse_command("RCPT\tTO:<a@b>").argument, "TO:<a@b>");
}

TEST(Command, TakesNothingElse) {
  using namespace std::string_view_literals;
  for (const std::string_view line :
       {""sv, " "sv, " QUIT"sv, "QUI"sv, "QUITX"sv, "MAILFROM:<a@b>"sv, "MAIL:"sv, "WIZ"sv,
        "DEBUG"sv, "GET / HTTP/1.1"sv, "QUIT\0"sv, "\0"sv, "Q\xff"sv, "DATA\r"sv, "."sv,
        "\x16\x03\x01"sv})
    EXPECT_EQ(parse_command(line).verb, Verb::unknown) << line;
  EXPECT_EQ(parse_command(std::string(1'000'000, 'A')).verb, Verb::unknown);
  EXPECT_EQ(parse_command("NOOP" + std::string(1'000'000, ' ')).argument, "");
}

TEST(CommandOrder, WantsAGreetingFirst) {
  for (const char* line :
       {"MAIL FROM:<>", "RCPT TO:<a@b>", "DATA", "BDAT 1", "STARTTLS", "AUTH PLAIN", "ETRN x"})
    EXPECT_EQ(refused(line, SessionState::connected), 503) << line;
  EXPECT_NE(check_order(parse_command("DATA"), SessionState::connected, true)->text.find("LHLO"),
            std::string::npos);
}

TEST(CommandOrder, LetsSomeComeAtAnyTime) {
  for (const SessionState state : kStates)
    for (const char* line : {"HELO x", "EHLO x", "LHLO x", "RSET", "NOOP", "NOOP x", "QUIT",
                             "VRFY x", "EXPN x", "HELP", "HELP MAIL", "WHAT", ""})
      EXPECT_EQ(refused(line, state), 0) << line;
}

TEST(CommandOrder, FollowsTheTransaction) {
  EXPECT_EQ(refused("MAIL FROM:<>", SessionState::greeted), 0);
  EXPECT_EQ(refused("MAIL FROM:<>", SessionState::mail), 503);
  EXPECT_EQ(refused("MAIL FROM:<>", SessionState::rcpt), 503);
  EXPECT_EQ(refused("RCPT TO:<a@b>", SessionState::greeted), 503);
  EXPECT_EQ(refused("RCPT TO:<a@b>", SessionState::mail), 0);
  EXPECT_EQ(refused("RCPT TO:<a@b>", SessionState::rcpt), 0);
  EXPECT_EQ(refused("DATA", SessionState::greeted), 503);
  EXPECT_EQ(refused("DATA", SessionState::mail), 554);
  EXPECT_EQ(refused("DATA", SessionState::rcpt), 0);
  EXPECT_EQ(refused("BDAT 5 LAST", SessionState::mail), 554);
  for (const char* line : {"STARTTLS", "AUTH PLAIN", "ETRN x"}) {
    EXPECT_EQ(refused(line, SessionState::greeted), 0) << line;
    EXPECT_EQ(refused(line, SessionState::mail), 503) << line;
    EXPECT_EQ(refused(line, SessionState::rcpt), 503) << line;
  }
}

TEST(CommandOrder, ChecksWhetherThereIsAnArgument) {
  for (const char* line : {"RSET x", "QUIT x", "DATA x"})
    EXPECT_EQ(refused(line, SessionState::rcpt), 501) << line;
  EXPECT_EQ(refused("STARTTLS x", SessionState::greeted), 501);
  for (const char* line : {"HELO", "EHLO ", "LHLO", "MAIL", "VRFY", "EXPN", "AUTH", "ETRN"})
    EXPECT_EQ(refused(line, SessionState::greeted), 501) << line;
  const auto reply = check_order(parse_command("MAIL"), SessionState::greeted);
  EXPECT_EQ(reply->line(), "501 5.5.4 Syntax: MAIL FROM:<address>");
}

}  // namespace
}  // namespace postrider::smtp
