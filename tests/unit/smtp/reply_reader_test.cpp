// SPDX-License-Identifier: MIT
// Replies of next hops, hostile ones too (V050, V051), and the EHLO keywords in them.
#include "smtp/reply_reader.hpp"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "smtp/capabilities.hpp"

namespace postrider::smtp {
namespace {

using Progress = ReplyReader::Progress;

Reply read(std::string_view wire) {
  ReplyReader reader;
  const auto fed = reader.feed(wire);
  EXPECT_EQ(fed.progress, Progress::complete) << reader.error();
  return reader.take();
}
std::string error_of(std::string_view wire) {
  ReplyReader reader;
  EXPECT_EQ(reader.feed(wire).progress, Progress::malformed);
  return reader.error();
}

TEST(ReplyReader, ReadsOneLine) {
  EXPECT_EQ(read("250 2.1.0 OK\r\n"), Reply(250, {2, 1, 0}, "OK"));
  EXPECT_EQ(read("354 Go on\r\n"), Reply(354, {}, "Go on"));
  EXPECT_EQ(read("250\r\n"), Reply(250, {}, ""));
  EXPECT_EQ(read("250 \r\n"), Reply(250, {}, ""));
  EXPECT_EQ(read("250 2.0.0\r\n"), Reply(250, {2, 0, 0}, ""));
  EXPECT_EQ(read("220 mx ESMTP\n"), Reply(220, {}, "mx ESMTP")) << "bare LF tolerated";
  EXPECT_EQ(read("299 odd code\r\n").code, 299);
}

TEST(ReplyReader, ReadsManyLines) {
  EXPECT_EQ(read("550-5.1.1 No such\r\n550 5.1.1 user\r\n"),
            Reply(550, {5, 1, 1}, "No such\nuser"));
  EXPECT_EQ(read("250-mx\r\n250-SIZE\r\n250 DSN\r\n"), Reply(250, {}, "mx\nSIZE\nDSN"));
  EXPECT_EQ(read("250-\r\n250\r\n"), Reply(250, {}, "\n"));
}

TEST(ReplyReader, IgnoresAStatusOfAnotherClass) {
  EXPECT_EQ(read("550 4.1.1 x\r\n"), Reply(550, {}, "4.1.1 x"));
  EXPECT_EQ(read("354 2.0.0 x\r\n"), Reply(354, {}, "2.0.0 x"));
  EXPECT_EQ(read("550-5.1.1 a\r\n550 5.7.1 b\r\n"), Reply(550, {5, 1, 1}, "a\n5.7.1 b"));
}

TEST(ReplyReader, LeavesWhatIsPipelinedBehind) {
  ReplyReader reader;
  std::string_view wire = "250 a\r\n550-b\r\n550 c\r\n250 d\r\n25";
  std::string got;
  while (true) {
    const auto fed = reader.feed(wire);
    wire.remove_prefix(fed.consumed);
    if (fed.progress != Progress::complete) break;
    got += reader.take().line() + ";";
  }
  EXPECT_EQ(got, "250 a;550 b c;250 d;");
  EXPECT_TRUE(wire.empty());
  EXPECT_TRUE(reader.is_inside());
  EXPECT_EQ(reader.feed("0 e\r\n").progress, Progress::complete);
  EXPECT_EQ(reader.take().line(), "250 e");
  EXPECT_FALSE(reader.is_inside());
}

TEST(ReplyReader, GivesTheSameInAnyPieces) {
  const std::string wire = "550-5.1.1 No such\r\n550-5.1.1 \r\n550 5.1.1 user\r\n";
  for (std::size_t piece = 1; piece <= wire.size(); ++piece) {
    ReplyReader reader;
    auto progress = Progress::more;
    for (std::size_t at = 0; at < wire.size(); at += piece)
      progress = reader.feed(std::string_view(wire).substr(at, piece)).progress;
    EXPECT_EQ(progress, Progress::complete);
    EXPECT_EQ(reader.take(), Reply(550, {5, 1, 1}, "No such\n\nuser"));
  }
}

TEST(ReplyReader, RefusesGarbage) {
  using namespace std::string_view_literals;
  for (const std::string_view wire :
       {"\r\n"sv, "hello\r\n"sv, "25\r\n"sv, "25x y\r\n"sv, "250x\r\n"sv, "2500 x\r\n"sv,
        "150 x\r\n"sv, "650 x\r\n"sv, "000 x\r\n"sv, " 250 x\r\n"sv, "-250 x\r\n"sv, "250\tx\r\n"sv,
        "\0\0\0 \r\n"sv, "HTTP/1.1 400 Bad\r\n"sv, "\x15\x03\x01\n"sv, "+OK\r\n"sv,
        "2\xb2\xb3 x\r\n"sv})
    EXPECT_TRUE(error_of(wire).starts_with("not an SMTP reply")) << wire;
  EXPECT_NE(error_of("250-a\r\n550 b\r\n").find("changes from 250"), std::string::npos);
  EXPECT_NE(error_of("250-a\r\nb\r\n").find("not an SMTP reply"), std::string::npos);
  const std::string hostile = error_of("evil\x1b[2J\rlog line " + std::string(5000, 'x') + "\r\n");
  EXPECT_LE(hostile.size(), 200U);
  EXPECT_TRUE(std::ranges::none_of(hostile, [](char c) { return c < ' '; }));
}

TEST(ReplyReader, StaysMalformed) {
  ReplyReader reader;
  EXPECT_EQ(reader.feed("junk\r\n").progress, Progress::malformed);
  EXPECT_EQ(reader.feed("250 OK\r\n").progress, Progress::malformed);
}

TEST(ReplyReader, MakesTextHarmless) {
  EXPECT_EQ(read("550 a\x1b[1m\rb\x7f\xff\r\n").text, "a?[1m?b??");
}

TEST(ReplyReader, BoundsTheText) {
  std::string wire;
  for (int i = 0; i < 499; ++i) wire += "550-5.0.0 " + std::string(10'240, 'x') + "\r\n";
  wire += "550 5.0.0 end\r\n";
  const Reply reply = read(wire);
  EXPECT_EQ(reply.code, 550);
  EXPECT_LE(reply.text.size(), ReplyReader::kMostText);
  EXPECT_GT(reply.text.size(), 4000U);
}

TEST(ReplyReader, BoundsTheLines) {
  const auto many = [](std::size_t n) {
    std::string wire;
    for (std::size_t i = 1; i < n; ++i) wire += "250-x\r\n";
    return wire + "250 x\r\n";
  };
  read(many(511));
  read(many(512));
  EXPECT_NE(error_of(many(513)).find("512 lines"), std::string::npos);
}

TEST(ReplyReader, GivesUpOnALineWithoutEnd) {
  ReplyReader reader;
  const std::string piece(65'536, 'x');
  auto progress = Progress::more;
  std::size_t pieces = 0;
  for (; progress == Progress::more && pieces < 1000; ++pieces)
    progress = reader.feed(pieces == 0 ? "250 " : piece).progress;
  EXPECT_EQ(progress, Progress::malformed);
  EXPECT_LE(pieces, ReplyReader::kMostOctets / piece.size() + 2);
}

TEST(Capabilities, AreReadInAnyCase) {
  const auto got = parse_capabilities(read(
      "250-mx PIPELINING\r\n250-pipelining\r\n250-SIZE 1000\r\n250-8bitmime\r\n250-SMTPUTF8\r\n"
      "250-ENHANCEDSTATUSCODES\r\n250-CHUNKING\r\n250-BINARYMIME\r\n250-STARTTLS\r\n250-DSN\r\n"
      "250-REQUIRETLS\r\n250-X-ODD y\r\n250 AUTH plain LOGIN PLAIN\r\n"));
  Capabilities all;
  all.pipelining = all.size = all.eight_bit_mime = all.smtputf8 = all.enhanced_status_codes = true;
  all.chunking = all.binarymime = all.starttls = all.dsn = all.requiretls = true;
  all.max_size = 1000;
  all.auth_mechanisms = {"PLAIN", "LOGIN"};
  EXPECT_EQ(got, all);
}

TEST(Capabilities, AreNotTakenFromTheGreeting) {
  EXPECT_EQ(parse_capabilities(Reply(250, {}, "STARTTLS")), Capabilities{});
  EXPECT_EQ(parse_capabilities(Reply()), Capabilities{});
  EXPECT_TRUE(parse_capabilities(Reply(250, {}, "\nSTARTTLS")).starttls);
}

TEST(Capabilities, IgnoreBadArguments) {
  for (const char* line : {"x\nSIZE", "x\nSIZE 0", "x\nSIZE -1", "x\nSIZE 1x", "x\nSIZE  ",
                           "x\nSIZE 99999999999999999999"}) {
    const auto got = parse_capabilities(Reply(250, {}, line));
    EXPECT_TRUE(got.size) << line;
    EXPECT_EQ(got.max_size, 0U) << line;
  }
  EXPECT_EQ(parse_capabilities(Reply(250, {}, "x\nAUTH=LOGIN PLAIN")).auth_mechanisms,
            (std::vector<std::string>{"LOGIN", "PLAIN"}));
  std::string many = "x\nAUTH";
  for (int i = 0; i < 1000; ++i) many += " M" + std::to_string(i);
  EXPECT_EQ(parse_capabilities(Reply(250, {}, many)).auth_mechanisms.size(), 32U);
}

TEST(Capabilities, AreOffered) {
  EXPECT_EQ(offer(Offer{}), (std::vector<std::string>{"PIPELINING", "8BITMIME", "SMTPUTF8",
                                                      "ENHANCEDSTATUSCODES", "SIZE"}));
  Offer other{.max_message_size = 100, .pipelining = false, .dsn = true, .starttls = true};
  other.auth_mechanisms = {"PLAIN", "LOGIN"};
  EXPECT_EQ(offer(other),
            (std::vector<std::string>{"8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN",
                                      "STARTTLS", "SIZE 100", "AUTH PLAIN LOGIN"}));
}

TEST(Capabilities, GoThereAndBack) {
  std::string text = "mx";
  for (const auto& line : offer(Offer{.max_message_size = 5})) text += "\n" + line;
  const auto got = parse_capabilities(read(Reply(250, {}, text).wire()));
  EXPECT_TRUE(got.pipelining && got.eight_bit_mime && got.smtputf8 && got.enhanced_status_codes);
  EXPECT_EQ(got.max_size, 5U);
  EXPECT_FALSE(got.dsn || got.starttls || got.chunking);
}

}  // namespace
}  // namespace postrider::smtp
