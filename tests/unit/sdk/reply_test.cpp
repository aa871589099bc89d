// SPDX-License-Identifier: MIT
// Replies: on the wire within 512 octets a line, and enhanced statuses as RFC 3463 has them.
#include <gtest/gtest.h>

#include <postrider/parameters.hpp>
#include <postrider/reply.hpp>

namespace postrider {
namespace {

TEST(EnhancedStatus, ReadsTheStartOfText) {
  EXPECT_EQ(EnhancedStatus::parse("5.4.6 loop"), (EnhancedStatus{5, 4, 6}));
  EXPECT_EQ(EnhancedStatus::parse("2.1.0"), (EnhancedStatus{2, 1, 0}));
  EXPECT_EQ(EnhancedStatus::parse("4.999.999\tx").text(), "4.999.999");
  for (const char* text :
       {"", "5", "5.", "5.4", "5.4.", "5.4.6x", "5.4.6.7", "3.0.0", "1.2.3", "0.0.0", "9.1.1",
        "5.1000.1", "5.1.1000", " 5.4.6", "5..6", "5.-1.1", "55.1.1", "x.y.z"})
    EXPECT_FALSE(EnhancedStatus::parse(text).is_set()) << text;
  EXPECT_EQ(EnhancedStatus().text(), "");
}

TEST(Reply, IsMadeOfALiteral) {
  const Reply reply("550 5.7.1 Not here");
  EXPECT_EQ(reply, Reply(550, {5, 7, 1}, "Not here"));
  EXPECT_TRUE(reply.is_permanent());
  EXPECT_FALSE(reply.is_temporary());
  EXPECT_EQ(Reply("354 Go on"), Reply(354, {}, "Go on"));
  EXPECT_TRUE(Reply("354 Go on").is_positive());
  EXPECT_TRUE(Reply("451 4.3.0 Later").is_temporary());
  EXPECT_EQ(Reply("250 2.0.0 "), Reply(250, {2, 0, 0}, ""));
}

TEST(Reply, GoesOnTheWire) {
  EXPECT_EQ(Reply("550 5.7.1 Not here").wire(), "550 5.7.1 Not here\r\n");
  EXPECT_EQ(Reply(250, {}, "a\nb\nc").wire(), "250-a\r\n250-b\r\n250 c\r\n");
  EXPECT_EQ(Reply(550, {5, 1, 1}, "a\nb").wire(), "550-5.1.1 a\r\n550 5.1.1 b\r\n");
  EXPECT_EQ(Reply(250, {}, "").wire(), "250 \r\n");
  EXPECT_EQ(Reply(250, {2, 0, 0}, "").wire(), "250 2.0.0\r\n");
}

TEST(Reply, CannotBreakOutOfItsLines) {
  EXPECT_EQ(Reply(550, {}, "a\r\n250 b\x1b").wire(), "550-a?\r\n550 250 b?\r\n");
  EXPECT_EQ(Reply(550, {}, std::string("a\0b", 3)).wire(), "550 a?b\r\n");
}

TEST(Reply, NeverLeavesOutTheCode) {
  EXPECT_EQ(Reply().wire(), "451 4.3.0\r\n");
  EXPECT_EQ(Reply(99, {2, 0, 0}, "x").wire(), "451 4.3.0 x\r\n");
  EXPECT_EQ(Reply(1000, {}, "x").wire(), "451 4.3.0 x\r\n");
  EXPECT_EQ(Reply(550, {2, 0, 0}, "x").wire(), "550 x\r\n") << "a status of another class";
}

TEST(Reply, KeepsLinesWithin512Octets) {
  const std::size_t room = 512 - 2 - 4 - 6;  // CRLF, "550 ", "5.7.1 "
  for (const std::size_t n :
       {room - 1, room, room + 1, 3 * room, 3 * room + 1, std::size_t{100'000}}) {
    const std::string wire = Reply(550, {5, 7, 1}, std::string(n, 'x')).wire();
    std::size_t letters = 0;
    std::size_t lines = 0;
    for (std::size_t at = 0; at < wire.size(); ++lines) {
      const std::size_t end = wire.find("\r\n", at);
      ASSERT_NE(end, wire.npos);
      EXPECT_LE(end + 2 - at, 512U);
      EXPECT_EQ(wire[at + 3], end + 2 == wire.size() ? ' ' : '-');
      letters += end - at - 10;
      at = end + 2;
    }
    EXPECT_EQ(letters, n);
    EXPECT_EQ(lines, (n + room - 1) / room);
  }
}

TEST(Reply, CutsBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 400; ++i) text += "\xe2\x82\xac";
  EXPECT_EQ(Reply(550, {}, text).wire().find('?'), std::string::npos);
}

TEST(Reply, IsOneLineInTheLog) {
  EXPECT_EQ(Reply(550, {5, 1, 1}, "a\nb").line(), "550 5.1.1 a b");
  EXPECT_EQ(Reply(550, {}, "a\r\x1b").line(), "550 a??");
  EXPECT_EQ(Reply(250, {}, "").line(), "250");
}

TEST(Xtext, IsDecodedStrictly) {
  EXPECT_EQ(xtext_decode("a+2Bb+3D"), "a+b=");
  EXPECT_EQ(xtext_decode(""), "");
  EXPECT_EQ(xtext_decode("+0D+0A"), "\r\n");
  for (const char* text : {"+", "+2", "+2b", "+GG", "a=b", "a b", "\x7f", "\xc3\xa9", "a\r", "+2+"})
    EXPECT_FALSE(xtext_decode(text)) << text;
}

TEST(Xtext, GoesThereAndBack) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  EXPECT_EQ(xtext_decode(xtext_encode(all)), all);
  EXPECT_EQ(xtext_encode("a+b=c d"), "a+2Bb+3Dc+20d");
}

}  // namespace
}  // namespace postrider
