// SPDX-License-Identifier: MIT
#include "queue/envelope_codec.hpp"

#include <random>

#include <gtest/gtest.h>

#include "queue/field_line.hpp"

namespace postrider::queue {
namespace {

Path path(std::string_view text) {
  return Path::parse(text, true).value();
}

const std::vector<std::string> kHostile{"",
                                        "-",
                                        " ",
                                        "%",
                                        "%20",
                                        ",",
                                        "\n",
                                        "a\r\ns1 0 d",
                                        std::string("\0x", 2),
                                        "q,1,2,3",
                                        "\xc3\xa4\xff",
                                        "e1 0 0"};

bool is_one_plain_line(std::string_view line) {
  for (const char c : line)
    if (c < ' ' || c > '~') return false;
  return true;
}

void expect_equal(const Envelope& a, const Envelope& b) {
  EXPECT_EQ(a.reverse_path, b.reverse_path);
  EXPECT_EQ(a.parameters, b.parameters);
  ASSERT_EQ(a.recipients.size(), b.recipients.size());
  for (std::size_t i = 0; i < a.recipients.size(); ++i) {
    EXPECT_EQ(a.recipients[i].path, b.recipients[i].path);
    EXPECT_EQ(a.recipients[i].parameters, b.recipients[i].parameters);
  }
  EXPECT_EQ(a.arrived, b.arrived);
  EXPECT_EQ(a.facts.eight_bit, b.facts.eight_bit);
  EXPECT_EQ(a.facts.leading_dot, b.facts.leading_dot);
  EXPECT_EQ(a.facts.utf8_header, b.facts.utf8_header);
  EXPECT_EQ(a.session, b.session);
}

Envelope envelope(const std::string& text) {
  Envelope e;
  e.reverse_path = path("\"a b,%\"@example.org");
  e.parameters = {12345, postrider::Body::binary, true, Return::headers, text, text};
  e.recipients = {{path("Postmaster"), {notify::kNever, ""}},
                  {path("\"q\\\"u\"@[192.0.2.1]"), {notify::kFailure | notify::kDelay, text}},
                  {path("gr\xc3\xbc\xc3\x9f"
                        "e@b\xc3\xbc"
                        "cher.example"),
                   {}}};
  e.arrived = WallTime(Duration(1767225600123));
  e.facts = {true, false, true};
  e.session = text;
  return e;
}

TEST(EnvelopeCodec, BringsEveryFieldBack) {
  for (const std::string& text : kHostile) {
    const Envelope before = envelope(text);
    const std::string line = encode(before);
    EXPECT_TRUE(is_one_plain_line(line)) << line;
    const auto after = decode_envelope(line);
    ASSERT_TRUE(after) << after.error() << ": " << line;
    expect_equal(before, *after);
  }
}

TEST(EnvelopeCodec, KnowsTheNullPath) {
  Envelope e;
  e.recipients = {{path("a@example.org"), {}}};
  const auto after = decode_envelope(encode(e));
  ASSERT_TRUE(after) << after.error();
  EXPECT_TRUE(after->reverse_path.is_null());
}

TEST(EnvelopeCodec, SaysWhatItCannotRead) {
  const std::string good = encode(envelope("x"));
  EXPECT_EQ(decode_envelope("").error(), "envelope of an unknown version");
  EXPECT_EQ(decode_envelope("e2" + good.substr(2)).error(), "envelope of an unknown version");
  EXPECT_EQ(decode_envelope(good + " 1").error(), "envelope: no end after the last recipient");
  EXPECT_EQ(decode_envelope(good.substr(0, good.size() - 1)).error(),
            "envelope: no end after the last recipient");
  EXPECT_FALSE(decode_envelope("e1 0 0 0 0 0 - - - - 4294967295 0 - a@b.example ."));
  EXPECT_FALSE(decode_envelope("e1 0 0 0 0 0 - - - - 1 0 - - ."));
  EXPECT_FALSE(decode_envelope("e1 0 0 0 9 0 - - - - 1 0 - a@b.example ."));
  EXPECT_TRUE(decode_envelope("e1 0 0 0 0 0 - - - - 1 0 - a@b.example ."));
  EXPECT_FALSE(decode_envelope("e1 99999999999999999999 0 0 0 0 - - - - 1 0 - a@b.example ."));
}

TEST(EnvelopeCodec, SurvivesEveryCutAndRandomDamage) {
  const std::string good = encode(envelope("x y"));
  for (std::size_t i = 0; i < good.size(); ++i) EXPECT_FALSE(decode_envelope(good.substr(0, i)));
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::string bad = good;
    for (int n = 0; n < 3; ++n) bad[random() % bad.size()] = static_cast<char>(random() % 256);
    if (const auto after = decode_envelope(bad)) {
      expect_equal(*after, decode_envelope(encode(*after)).value());
    }
  }
}

RecipientStatus status(RecipientState state, const std::string& text) {
  RecipientStatus status;
  status.state = state;
  status.gone = state == RecipientState::delivered;
  status.attempts = 7;
  status.next_attempt = WallTime(Duration(1767225600999));
  status.word = std::make_shared<const LastWord>(EnhancedStatus{4, 4, 1}, text, text);
  return status;
}

TEST(StateCodec, BringsEveryStateBack) {
  for (const std::string& text : kHostile) {
    MessageState before{
        WallTime(Duration(1767657600000)),
        {status(RecipientState::queued, text), status(RecipientState::delayed, text),
         status(RecipientState::held, text), status(RecipientState::failed, text)}};
    const std::string line = encode(before);
    EXPECT_TRUE(is_one_plain_line(line)) << line;
    const auto after = decode_state(line, 4);
    ASSERT_TRUE(after) << after.error() << ": " << line;
    EXPECT_EQ(after->give_up_at, before.give_up_at);
    for (std::size_t i = 0; i < 4; ++i) {
      const RecipientStatus &a = before.recipients[i], &b = after->recipients[i];
      EXPECT_EQ(a.state, b.state);
      EXPECT_EQ(a.attempts, b.attempts);
      EXPECT_EQ(a.next_attempt, b.next_attempt);
      EXPECT_EQ(a.last(), b.last());
      EXPECT_FALSE(b.gone);
    }
  }
}

TEST(StateCodec, IsShortForWhatIsPlain) {
  MessageState state{WallTime(Duration(5)), std::vector<RecipientStatus>(3)};
  state.recipients[1] = status(RecipientState::delivered, "x");
  state.recipients[2].state = RecipientState::active;  // after a crash: to be tried again
  EXPECT_EQ(encode(state), "s1 5 q d q .");
  const auto after = decode_state("s1 5 q d r .", 3);
  ASSERT_TRUE(after);
  EXPECT_TRUE(after->recipients[1].gone);
  EXPECT_TRUE(after->recipients[2].gone);
  EXPECT_EQ(after->recipients[2].state, RecipientState::failed);
}

TEST(StateCodec, KeepsWhoSaidWhenToGiveUp) {
  const MessageState state{WallTime(Duration(5)), std::vector<RecipientStatus>(1), true};
  EXPECT_EQ(encode(state), "s1 5,1 q .");
  EXPECT_TRUE(decode_state("s1 5,1 q .", 1)->give_up_ordered);
  EXPECT_FALSE(decode_state("s1 5 q .", 1)->give_up_ordered);
  for (const char* line : {"s1 5,2 q .", "s1 5, q .", "s1 5,1,1 q .", "s1 ,1 q ."})
    EXPECT_FALSE(decode_state(line, 1)) << line;
}

TEST(StateCodec, SaysWhatItCannotRead) {
  EXPECT_EQ(decode_state("s2 5 q", 1).error(), "state of an unknown version");
  EXPECT_EQ(decode_state("s1 5 q .", 2).error(), "state: recipient 2");
  EXPECT_EQ(decode_state("s1 5 q x .", 2).error(), "state: recipient 2");
  EXPECT_EQ(decode_state("s1 5 q,1 .", 1).error(), "state: recipient 1");
  EXPECT_EQ(decode_state("s1 5 q,1,2,-,-,-,- .", 1).error(), "state: recipient 1");
  EXPECT_EQ(decode_state("s1 x q .", 1).error(), "state: no give-up time");
  EXPECT_EQ(decode_state("s1 5 q", 1).error(), "state: no end after the last recipient");
  EXPECT_EQ(decode_state("s1 5 q q .", 1).error(), "state: no end after the last recipient");
}

TEST(FieldLine, RefusesWhatItNeverWrites) {
  for (const char* field : {"", "a b", "a,b", "%", "%2", "%2g", "%zz", "\x01"})
    EXPECT_FALSE(read_text(field)) << field;
  EXPECT_EQ(read_text("-"), "");
  EXPECT_EQ(read_text("%2D"), "-");
}

TEST(StateCodec, BringsBackWhatReportsNeed) {
  for (const std::string& text : kHostile) {
    MessageState before{WallTime(Duration(1)), {status(RecipientState::delayed, "why"), {}}};
    const Reply said{450, {4, 2, 0}, text};
    before.recipients[0].word =
        std::make_shared<const LastWord>(EnhancedStatus{4, 4, 1}, text, text, said);
    before.recipients[1].delay_reported = true;  // and never tried
    const std::string line = encode(before);
    EXPECT_TRUE(is_one_plain_line(line)) << line;
    const auto after = decode_state(line, 2);
    ASSERT_TRUE(after) << after.error() << ": " << line;
    const Reply& reply = after->recipients[0].last().reply;
    EXPECT_EQ(reply.line(), printable(said.line()));
    EXPECT_EQ(reply.code, 450);
    EXPECT_EQ(reply.status, (EnhancedStatus{4, 2, 0}));
    EXPECT_FALSE(after->recipients[0].delay_reported);
    EXPECT_TRUE(after->recipients[1].delay_reported);
    EXPECT_EQ(after->recipients[1].last().reply.code, 0);
  }
  EXPECT_TRUE(decode_state("s1 1 w,7,1,4.4.1,why,host .", 1)) << "as stored before";
  for (const char* bad : {"s1 1 w,7,1,4.4.1,why,host,1 .", "s1 1 w,7,1,4.4.1,why,host,2,- .",
                          "s1 1 w,7,1,4.4.1,why,host,1,-,x ."})
    EXPECT_FALSE(decode_state(bad, 1)) << bad;
}

}  // namespace
}  // namespace postrider::queue
