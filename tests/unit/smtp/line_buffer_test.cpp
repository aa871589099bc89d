// SPDX-License-Identifier: MIT
// Command lines out of octets that arrive in any pieces: only CRLF ends one.
#include "smtp/line_buffer.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

/// Every line with its flags: '!' bad line end, '+' too long.
std::vector<std::string> lines(LineBuffer& buffer) {
  std::vector<std::string> out;
  while (const auto line = buffer.next())
    out.push_back(std::string(line->text) + (line->bad_line_end ? "!" : "") +
                  (line->too_long ? "+" : ""));
  return out;
}
using Lines = std::vector<std::string>;

TEST(LineBuffer, CutsPipelinedLines) {
  LineBuffer buffer(512);
  buffer.append("EHLO x\r\nMAIL FROM:<>\r\n\r\nDA");
  EXPECT_EQ(lines(buffer), (Lines{"EHLO x", "MAIL FROM:<>", ""}));
  EXPECT_EQ(buffer.buffered(), "DA");
  buffer.append("TA\r");
  EXPECT_EQ(lines(buffer), Lines{});
  buffer.append("\nbody");
  EXPECT_EQ(lines(buffer), Lines{"DATA"});
  EXPECT_EQ(buffer.buffered(), "body");
}

TEST(LineBuffer, GivesTheSameInAnyPieces) {
  const std::string input = "EHLO x\r\nRCPT TO:<a@b>\r\nQUIT\r\n";
  for (std::size_t piece = 1; piece <= input.size(); ++piece) {
    LineBuffer buffer(512);
    Lines got;
    for (std::size_t at = 0; at < input.size(); at += piece) {
      buffer.append(input.substr(at, piece));
      for (auto& line : lines(buffer)) got.push_back(line);
    }
    EXPECT_EQ(got, (Lines{"EHLO x", "RCPT TO:<a@b>", "QUIT"})) << piece;
  }
}

TEST(LineBuffer, FlagsBareCrAndLf) {
  LineBuffer buffer(512);
  buffer.append("NOOP\rQUIT\r\nNOOP\nQUIT\r\nNOOP\r\r\nNOOP\r\n");
  EXPECT_EQ(lines(buffer), (Lines{"NOOP\rQUIT!", "NOOP\nQUIT!", "NOOP\r!", "NOOP"}));
}

TEST(LineBuffer, TellsAClientThatSendsNoCr) {
  LineBuffer buffer(512);
  buffer.append("EHLO x\n");
  EXPECT_EQ(lines(buffer), Lines{"EHLO x!"});
  buffer.append("NOOP\nQUIT\n");
  EXPECT_EQ(lines(buffer), Lines{"NOOP\nQUIT!"});
  buffer.append("MAIL FROM:<>\r\n");
  EXPECT_EQ(lines(buffer), Lines{"MAIL FROM:<>!"}) << "still part of a line with a bare LF";
  buffer.append("NOOP\r\n\n");
  EXPECT_EQ(lines(buffer), (Lines{"NOOP", "!"}));
}

TEST(LineBuffer, KeepsTheLimit) {
  for (const std::size_t limit : {2UL, 10UL, 512UL}) {
    LineBuffer buffer(limit);
    const std::string fits(limit - 2, 'x');
    if (limit > 2) {
      buffer.append(fits.substr(1) + "\r\n");
      EXPECT_EQ(lines(buffer), Lines{fits.substr(1)});
    }
    buffer.append(fits + "\r\n");
    EXPECT_EQ(lines(buffer), Lines{fits});
    buffer.append(fits + "y\r\n");
    EXPECT_EQ(lines(buffer), Lines{fits + "y+"});
    buffer.append(fits + "yyy\r\n");
    EXPECT_EQ(lines(buffer), Lines{fits + "yy+"});
  }
}

TEST(LineBuffer, SwallowsALineTooLongWithLittleMemory) {
  for (const std::size_t piece : {1UL, 7UL, 65'536UL}) {
    LineBuffer buffer(512);
    const std::string octets(piece, 'x');
    for (std::size_t sent = 0; sent < 1'000'000; sent += piece) {
      buffer.append(octets);
      ASSERT_FALSE(buffer.next());
      ASSERT_LE(buffer.buffered().size(), 514U);
    }
    buffer.append("\r");
    EXPECT_FALSE(buffer.next());
    buffer.append("\nNOOP\r\n");
    const auto line = buffer.next();
    ASSERT_TRUE(line);
    EXPECT_TRUE(line->too_long);
    EXPECT_FALSE(line->bad_line_end);
    EXPECT_EQ(line->text.size(), 512U);
    EXPECT_EQ(lines(buffer), Lines{"NOOP"});
  }
}

TEST(LineBuffer, DoesNotMakeACrlfByShortening) {
  LineBuffer buffer(4);
  buffer.append("abc\rdefgh");
  EXPECT_FALSE(buffer.next());
  buffer.append("\nx\r\n");
  const auto line = buffer.next();
  ASSERT_TRUE(line);
  EXPECT_TRUE(line->too_long);
  EXPECT_TRUE(line->bad_line_end);
  EXPECT_FALSE(buffer.next());
}

TEST(LineBuffer, HandsOverTheContent) {
  LineBuffer buffer(512);
  buffer.append("DATA\r\nSubject: x\r\n\r\ntext\r\n.\r\nQUIT\r\n");
  EXPECT_EQ(buffer.next()->text, "DATA");
  const std::string_view content = "Subject: x\r\n\r\ntext\r\n.\r\n";
  EXPECT_TRUE(buffer.buffered().starts_with(content));
  buffer.consume(content.size());
  EXPECT_EQ(lines(buffer), Lines{"QUIT"});
  buffer.consume(100);
  EXPECT_EQ(buffer.buffered(), "");
}

TEST(LineBuffer, ForgetsEverythingAtATlsHandshake) {
  LineBuffer buffer(512);
  buffer.append("STARTTLS\r\nMAIL FROM:<>\r\nRC");
  EXPECT_EQ(buffer.next()->text, "STARTTLS");
  buffer.clear();
  EXPECT_EQ(lines(buffer), Lines{});
  buffer.append("NOOP\r\n");
  EXPECT_EQ(lines(buffer), Lines{"NOOP"});
}

TEST(LineBuffer, TakesAMillionPipelinedLines) {
  LineBuffer buffer(512);
  std::string input;
  for (int i = 0; i < 1'000'000; ++i) input += "NOOP\r\n";
  buffer.append(input);
  std::size_t count = 0;
  while (buffer.next()) ++count;
  EXPECT_EQ(count, 1'000'000U);
}

}  // namespace
}  // namespace postrider::smtp
