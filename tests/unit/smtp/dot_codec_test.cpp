// SPDX-License-Identifier: MIT
// Content with dots, both ways, and the end-of-data matrix of SMTP smuggling: CRLF.CRLF ends a
// message, nothing else does, in whatever pieces it arrives.
#include "smtp/dot_codec.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

using namespace std::string_literals;

struct Decoded {
  DataDecoder decoder;
  std::string content;
  std::size_t consumed = 0;
};

Decoded decode(std::string_view in, std::size_t piece = SIZE_MAX,
               std::uint64_t limit = UINT64_MAX) {
  Decoded decoded{DataDecoder(limit), {}, 0};
  while (decoded.consumed < in.size() && !decoded.decoder.is_done())
    decoded.consumed += decoded.decoder.feed(in.substr(decoded.consumed, piece), decoded.content);
  return decoded;
}

TEST(DataDecoder, EndsAtTheFinalDot) {
  const auto whole = decode("a\r\nb\r\n.\r\nQUIT\r\n");
  EXPECT_TRUE(whole.decoder.is_done());
  EXPECT_EQ(whole.content, "a\r\nb\r\n");
  EXPECT_EQ(whole.consumed, 9U);
  EXPECT_FALSE(whole.decoder.is_faulty());
  const auto empty = decode(".\r\n");
  EXPECT_TRUE(empty.decoder.is_done());
  EXPECT_EQ(empty.content, "");
  EXPECT_FALSE(decode("a\r\n.").decoder.is_done());
  EXPECT_FALSE(decode("a\r\n.\r").decoder.is_done());
}

TEST(DataDecoder, RemovesOneLeadingDot) {
  const auto decoded = decode("..\r\n...x\r\n.y\r\nz.\r\n. \r\n.\r\n");
  EXPECT_TRUE(decoded.decoder.is_done());
  EXPECT_EQ(decoded.content, ".\r\n..x\r\ny\r\nz.\r\n \r\n");
  EXPECT_TRUE(decoded.decoder.has_dot_lines());
  EXPECT_FALSE(decode("a.\r\n.y\r\n.\r\n").decoder.has_dot_lines());
  EXPECT_TRUE(decode("..\r\n.\r\n").decoder.has_dot_lines());
}

TEST(DataDecoder, EndsAtNothingElse) {
  // Rows 2 to 9 of the matrix, and some more.
  const std::vector<std::string> faulty{
      "\n.\n",     "\n.\r\n",   "\r\n.\n",       "\r.\r",       "\r.\r\n",      "\r\n.\r",
      "\r.\n",     "\n.\r",     "\r\r\n.\r\r\n", "\r\n.\r\r\n", "\r\n\0.\r\n"s, "\r\n.\0\r\n"s,
      "\n\n.\n\n", "\n\r.\n\r", "\r\n.\r\0\n"s,  "\r\r.\r\r",   "\n.\r\r\n",    "\r\n.\n\r\n"};
  for (const std::string& sequence : faulty) {
    const std::string input = "a" + sequence + "MAIL FROM:<x@y>\r\nb\r\n.\r\n";
    const Decoded whole = decode(input);
    ASSERT_TRUE(whole.decoder.is_done()) << testing::PrintToString(sequence);
    EXPECT_EQ(whole.consumed, input.size()) << testing::PrintToString(sequence);
    EXPECT_TRUE(whole.decoder.is_faulty()) << testing::PrintToString(sequence);
    for (std::size_t piece = 1; piece < input.size(); ++piece) {
      const Decoded pieces = decode(input, piece);
      EXPECT_EQ(pieces.consumed, input.size());
      EXPECT_EQ(pieces.content, whole.content);
      EXPECT_EQ(pieces.decoder.bare_cr(), whole.decoder.bare_cr());
      EXPECT_EQ(pieces.decoder.bare_lf(), whole.decoder.bare_lf());
      EXPECT_EQ(pieces.decoder.nul(), whole.decoder.nul());
    }
  }
}

TEST(DataDecoder, TakesOtherLineEndsForText) {
  for (const std::string& sequence :
       {"\x85.\x85"s, "\v.\v"s, "\f.\f"s, "\xe2\x80\xa8.\xe2\x80\xa8"s, "\\r\\n.\\r\\n"s}) {
    const Decoded decoded = decode("a" + sequence + "b\r\n.\r\n");
    EXPECT_TRUE(decoded.decoder.is_done());
    EXPECT_EQ(decoded.content, "a" + sequence + "b\r\n");
    EXPECT_FALSE(decoded.decoder.is_faulty());
  }
}

TEST(DataDecoder, SaysWhatWasWrong) {
  EXPECT_TRUE(decode("a\rb\r\n.\r\n").decoder.bare_cr());
  EXPECT_TRUE(decode("\rb\r\n.\r\n").decoder.bare_cr());
  EXPECT_TRUE(decode("a\r\n.\rb\r\n.\r\n").decoder.bare_cr());
  EXPECT_FALSE(decode("a\rb\r\n.\r\n").decoder.bare_lf());
  EXPECT_TRUE(decode("a\nb\r\n.\r\n").decoder.bare_lf());
  EXPECT_TRUE(decode("\n\r\n.\r\n").decoder.bare_lf());
  EXPECT_FALSE(decode("a\nb\r\n.\r\n").decoder.bare_cr());
  EXPECT_TRUE(decode("a\0b\r\n.\r\n"s).decoder.nul());
  EXPECT_TRUE(decode("a\xe9\r\n.\r\n").decoder.eight_bit());
  EXPECT_FALSE(decode("a\x7f\r\n.\r\n").decoder.eight_bit());
}

TEST(DataDecoder, GivesTheSameInAnyPieces) {
  const std::string input =
      "A: b\r\n\r\n..dots\r\n.one\r\n\r\n....\r\nlong line \xc3\xa9\r\n.\r\nQUIT\r\n";
  const Decoded whole = decode(input);
  EXPECT_EQ(whole.content, "A: b\r\n\r\n.dots\r\none\r\n\r\n...\r\nlong line \xc3\xa9\r\n");
  for (std::size_t piece = 1; piece < input.size(); ++piece) {
    const Decoded pieces = decode(input, piece);
    EXPECT_EQ(pieces.content, whole.content) << piece;
    EXPECT_EQ(pieces.consumed, whole.consumed);
    EXPECT_EQ(pieces.decoder.longest_line(), 12U);
    EXPECT_EQ(pieces.decoder.size(), whole.content.size());
    EXPECT_FALSE(pieces.decoder.is_faulty());
    EXPECT_TRUE(pieces.decoder.has_dot_lines());
    EXPECT_TRUE(pieces.decoder.eight_bit());
  }
}

TEST(DataDecoder, MeasuresTheLongestLine) {
  for (const std::size_t n : {0UL, 1UL, 127UL, 128UL, 129UL, 998UL, 999UL, 100'000UL}) {
    const std::string input = "x\r\n"s.substr(n == 0 ? 1 : 0) + std::string(n, 'x') + "\r\n.\r\n";
    for (const std::size_t piece : {1UL, 3UL, 4096UL})
      EXPECT_EQ(decode(input, piece).decoder.longest_line(), n);
  }
}

TEST(DataDecoder, KeepsTheLimitAndReadsOn) {
  const std::string content = "12345678\r\n";
  const std::string input = content + ".\r\nQUIT\r\n";
  EXPECT_TRUE(decode(input, SIZE_MAX, 9).decoder.too_large());
  EXPECT_FALSE(decode(input, SIZE_MAX, 10).decoder.too_large());
  EXPECT_FALSE(decode(input, SIZE_MAX, 11).decoder.too_large());
  const Decoded small = decode(input, 1, 4);
  EXPECT_TRUE(small.decoder.too_large());
  EXPECT_TRUE(small.decoder.is_done());
  EXPECT_EQ(small.consumed, content.size() + 3);
  EXPECT_EQ(small.decoder.size(), content.size());
  EXPECT_EQ(small.content, "1234");
}

TEST(DotEncoder, AddsDots) {
  EXPECT_EQ(stuff(""), "");
  EXPECT_EQ(stuff(".\r\n"), "..\r\n");
  EXPECT_EQ(stuff("a\r\n.\r\n..b\r\nc."), "a\r\n..\r\n...b\r\nc.");
  EXPECT_EQ(stuff("a\n.\r\n"), "a\n..\r\n") << "a bare LF can never end a message either";
}

TEST(DotEncoder, LeavesPlainTextWhereItIs) {
  DotEncoder encoder;
  std::string scratch;
  const std::string_view plain = "no dots. here\r\nat all\r\n";
  EXPECT_EQ(encoder.encode(plain, scratch).data(), plain.data());
  EXPECT_EQ(encoder.end(), ".\r\n");
}

TEST(DotEncoder, EndsTheLastLine) {
  const auto end_after = [](std::vector<std::string_view> pieces) {
    DotEncoder encoder;
    std::string scratch;
    for (const std::string_view piece : pieces) encoder.encode(piece, scratch);
    return std::string(encoder.end());
  };
  EXPECT_EQ(end_after({}), ".\r\n");
  EXPECT_EQ(end_after({"a"}), "\r\n.\r\n");
  EXPECT_EQ(end_after({"a\r\n"}), ".\r\n");
  EXPECT_EQ(end_after({"a\r", "\n"}), ".\r\n");
  EXPECT_EQ(end_after({"a\r", "", "\n"}), ".\r\n");
  EXPECT_EQ(end_after({"a\n"}), "\r\n.\r\n");
  EXPECT_EQ(end_after({"a\r"}), "\r\n.\r\n");
}

TEST(DotEncoder, IsUndoneByTheDecoder) {
  for (const std::string& content :
       {""s, "a\r\n"s, ".\r\n"s, "..\r\n.a\r\n\r\n.\r\n"s, "x\r\n.\r\n.\r\n"s, "\r\n\r\n.\r\n"s}) {
    for (std::size_t piece = 1; piece <= content.size() + 1; ++piece) {
      DotEncoder encoder;
      std::string wire;
      std::string scratch;
      for (std::size_t at = 0; at < content.size(); at += piece)
        wire += encoder.encode(std::string_view(content).substr(at, piece), scratch);
      wire += encoder.end();
      const Decoded decoded = decode(wire);
      EXPECT_TRUE(decoded.decoder.is_done());
      EXPECT_EQ(decoded.content, content);
      EXPECT_EQ(decoded.consumed, wire.size());
    }
  }
}

TEST(DataDecoder, TakesLinearTime) {
  for (const std::string& line : {"."s, "..\r\n"s, "\n"s, "\r"s, ".\r"s, "x"s, "\r\n"s}) {
    std::string input;
    while (input.size() < 1'000'000) input += line;
    const auto begin = std::chrono::steady_clock::now();
    const Decoded decoded = decode(input, 4096);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
    EXPECT_FALSE(decoded.decoder.is_done());
  }
}

}  // namespace
}  // namespace postrider::smtp
