// SPDX-License-Identifier: MIT
// Random octets of awkward alphabets into every reader, with fixed seeds: nothing crashes, what is
// accepted keeps its promises, and the fast decoder agrees with a slow and obvious one.
#include <algorithm>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "smtp/command.hpp"
#include "smtp/dot_codec.hpp"
#include "smtp/header_block.hpp"
#include "smtp/line_buffer.hpp"
#include "smtp/path.hpp"
#include "smtp/received.hpp"
#include "smtp/reply_reader.hpp"

namespace postrider::smtp {
namespace {

using namespace std::string_view_literals;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_);
  }
  std::string text(std::string_view alphabet, std::size_t most) {
    std::string out(below(most + 1), ' ');
    for (char& c : out) c = alphabet[below(alphabet.size())];
    return out;
  }

 private:
  std::mt19937 engine_;
};

/// RFC 5321 section 4.5.2 octet by octet: how many octets belong to the message, 0 if it has no
/// end.
std::size_t slow_decode(std::string_view in, std::string& out) {
  std::size_t at = 0;
  while (at < in.size()) {
    if (in.substr(at, 3) == ".\r\n") return at + 3;
    std::size_t end = in.find("\r\n", at);
    end = end == in.npos ? in.size() : end + 2;
    out += in.substr(in[at] == '.' ? at + 1 : at, end - (in[at] == '.' ? at + 1 : at));
    at = end;
  }
  return 0;
}

TEST(Hostile, DecoderAgreesWithTheObviousOne) {
  Random random(1);
  for (int round = 0; round < 20'000; ++round) {
    const std::string input = random.text("\r\n.x\r\n\0"sv, 24) + "\r\n.\r\nQUIT\r\n";
    std::string expected;
    const std::size_t length = slow_decode(input, expected);
    DataDecoder decoder;
    std::string got;
    std::size_t at = 0;
    while (at < input.size() && !decoder.is_done())
      at += decoder.feed(std::string_view(input).substr(at, 1 + random.below(6)), got);
    ASSERT_TRUE(decoder.is_done());
    ASSERT_EQ(at, length) << testing::PrintToString(input);
    ASSERT_EQ(got, expected) << testing::PrintToString(input);
    std::string rest = expected;
    for (std::size_t crlf = rest.find("\r\n"); crlf != rest.npos; crlf = rest.find("\r\n", crlf))
      rest.replace(crlf, 2, "|");
    ASSERT_EQ(decoder.bare_cr(), rest.find('\r') != rest.npos) << testing::PrintToString(input);
    ASSERT_EQ(decoder.bare_lf(), rest.find('\n') != rest.npos) << testing::PrintToString(input);
    ASSERT_EQ(decoder.nul(), rest.find('\0') != rest.npos);
    ASSERT_EQ(decoder.has_dot_lines(),
              expected.starts_with('.') || expected.find("\r\n.") != expected.npos);
  }
}

TEST(Hostile, WhatIsSentOnIsReadBackTheSame) {
  Random random(2);
  for (int round = 0; round < 20'000; ++round) {
    std::string content = random.text("\r\n.x"sv, 20) + "\r\n";
    DotEncoder encoder;
    std::string wire;
    std::string scratch;
    for (std::size_t at = 0; at < content.size();) {
      const std::size_t piece = std::min(1 + random.below(6), content.size() - at);
      wire += encoder.encode(std::string_view(content).substr(at, piece), scratch);
      at += piece;
    }
    wire += encoder.end();
    DataDecoder decoder;
    std::string got;
    ASSERT_EQ(decoder.feed(wire, got), wire.size()) << "content ended the message early";
    ASSERT_TRUE(decoder.is_done());
    if (!decoder.is_faulty()) {
      ASSERT_EQ(got, content);
    }
  }
}

TEST(Hostile, LinesNeverHoldAnUnflaggedCrOrLf) {
  Random random(3);
  for (int round = 0; round < 5'000; ++round) {
    LineBuffer buffer(6);
    for (int reads = 0; reads < 8; ++reads) {
      buffer.append(random.text("\r\n\r\nax\0"sv, 12));
      while (const auto line = buffer.next()) {
        ASSERT_LE(line->text.size(), 6U);
        if (line->text.find_first_of("\r\n") != line->text.npos) {
          ASSERT_TRUE(line->bad_line_end || line->too_long);
        }
        parse_command(line->text);
      }
      ASSERT_LE(buffer.buffered().size(), 7U);
    }
  }
}

TEST(Hostile, AcceptedPathsParseAgain) {
  Random random(4);
  for (int round = 0; round < 50'000; ++round) {
    const std::string inside = random.text("ab.@\"\\<>[]:,1-\xc3\xbc\r\0 "sv, 14);
    const auto parsed = parse_mail_argument("FROM:<" + inside + "@d.e> SMTPUTF8", true);
    if (!parsed) continue;
    const auto again = Path::parse(parsed->path.text(), true);
    ASSERT_TRUE(again) << inside;
    ASSERT_EQ(*again, parsed->path);
    ASSERT_EQ(parsed->path.text().find_first_of("\r\n\0"sv), std::string::npos);
    ASSERT_EQ(parsed->path.domain().find('@'), std::string_view::npos);
  }
}

TEST(Hostile, ParametersNeverHoldControls) {
  Random random(5);
  Offer offer;
  offer.dsn = true;
  offer.auth_mechanisms = {"PLAIN"};
  for (int round = 0; round < 50'000; ++round) {
    const std::string value = random.text("a+=0AD \r\n<>;\\x{}\xc3\xbc"sv, 12);
    const auto mail = parse_mail_argument("FROM:<> ENVID=" + value + " AUTH=" + value, true, offer);
    if (mail) {
      ASSERT_EQ(xtext_decode(mail->parameters.envid)->find_first_of("\r\n"), std::string::npos);
    }
    const auto rcpt = parse_rcpt_argument("TO:<a@b> ORCPT=utf-8;" + value, true, offer);
    if (rcpt) {
      ASSERT_EQ(rcpt->parameters.orcpt.find_first_of("\r\n "), std::string::npos);
    }
  }
}

TEST(Hostile, RepliesAreBoundedAndPrintable) {
  Random random(6);
  for (int round = 0; round < 20'000; ++round) {
    ReplyReader reader;
    auto progress = ReplyReader::Progress::more;
    for (int reads = 0; reads < 10 && progress == ReplyReader::Progress::more; ++reads)
      progress = reader.feed(random.text("250 -\r\n.x\0\x1b\xff"sv, 12)).progress;
    if (progress != ReplyReader::Progress::complete) continue;
    const Reply reply = reader.take();
    ASSERT_GE(reply.code, 200);
    ASSERT_LE(reply.code, 599);
    ASSERT_TRUE(
        std::ranges::none_of(reply.text, [](char c) { return c >= 0 && c < ' ' && c != '\n'; }));
  }
}

TEST(Hostile, HeaderFieldsCoverTheBlockOnce) {
  Random random(7);
  for (int round = 0; round < 20'000; ++round) {
    const std::string block = random.text("\r\n\r\nA: \t\0\xff"sv, 40);
    std::string all;
    FieldReader reader(block);
    while (const auto field = reader.next()) all += field->whole;
    ASSERT_EQ(all, block);
    const auto size = header_size(block);
    ASSERT_TRUE(size);
    ASSERT_LE(*size, block.size());
  }
}

TEST(Hostile, TraceIsAlwaysOneField) {
  Random random(8);
  for (int round = 0; round < 5'000; ++round) {
    TraceInfo trace;
    trace.helo = random.text("a.-()[];<>\r\n\t\"\\\0\xff"sv, 300);
    trace.client_name = random.text("a.-() \r\n"sv, 20);
    trace.by = "mx.example";
    trace.id = "1";
    const std::string field = received(trace);
    ASSERT_EQ(count_received(field), 1U);
    FieldReader reader(field);
    reader.next();
    ASSERT_FALSE(reader.next()) << field;
    ASSERT_EQ(std::ranges::count(field, '('), 1);
  }
}

}  // namespace
}  // namespace postrider::smtp
