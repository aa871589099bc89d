// SPDX-License-Identifier: MIT
// Transactions on the wire: what is sent, in how many writes, and what each answer means.
#include <algorithm>

#include "delivery_world.hpp"

namespace postrider::deliver::testing {
namespace {

class TransactionTest : public DeliveryWorld {
 protected:
  Peer peer{world.loop(), "192.0.2.1"};
};

TEST_F(TransactionTest, DeliversInTwoWrites) {
  queue(message({"one@example.org", "two@example.org"}));
  run();
  EXPECT_EQ(brief(0, 0), "delivered 2.0.0 final dot");
  EXPECT_EQ(brief(0, 1), "delivered 2.0.0 final dot");
  EXPECT_EQ(outcome().remote, "a.example.org [192.0.2.1]");
  EXPECT_FALSE(host_failed());
  ASSERT_EQ(peer.chunks.size(), 4U);
  EXPECT_EQ(peer.chunks[0], "EHLO client.example\r\n");
  EXPECT_EQ(peer.chunks[1],
            "MAIL FROM:<sender@client.example> SIZE=21\r\nRCPT TO:<one@example.org>\r\n"
            "RCPT TO:<two@example.org>\r\nDATA\r\n");
  EXPECT_EQ(peer.chunks[2], "Subject: x\r\n\r\nhello\r\n.\r\n");
  EXPECT_EQ(peer.chunks[3], "QUIT\r\n");
  EXPECT_EQ(deliveries.left, 1);
}

TEST_F(TransactionTest, AMessageCostsOneWriteWhenTheNextIsDue) {
  for (int i = 0; i < 10; ++i) queue(message());
  run();
  ASSERT_EQ(deliveries.ended.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(brief(i), "delivered 2.0.0 final dot");
  EXPECT_EQ(peer.connections, 1);
  EXPECT_EQ(peer.contents.size(), 10U);
  EXPECT_EQ(peer.chunks.size(), 1U + 1U + 10U + 1U);
  EXPECT_TRUE(
      peer.chunks[2].ends_with("\r\n.\r\nMAIL FROM:<sender@client.example> SIZE=21\r\n"
                               "RCPT TO:<one@example.org>\r\nDATA\r\n"));
}

TEST_F(TransactionTest, OneCommandAtATimeWithoutPipelining) {
  peer.extensions = {"SIZE"};
  peer.answer("RCPT", {"550 5.1.1 no such user"});
  queue(message({"one@example.org", "two@example.org"}));
  queue(message());
  run();
  EXPECT_EQ(brief(0, 0), "failed 5.1.1 rcpt");
  EXPECT_EQ(brief(0, 1), "delivered 2.0.0 final dot");
  EXPECT_EQ(brief(1), "delivered 2.0.0 final dot");
  for (const auto& chunk : peer.chunks)
    if (!chunk.starts_with("Subject")) {
      EXPECT_EQ(std::ranges::count(chunk, '\n'), 1) << chunk;
    }
}

TEST_F(TransactionTest, WithoutPipeliningARefusedEnvelopeIsReset) {
  peer.extensions = {};
  peer.answer("RCPT", {"550 5.1.1 no"});
  peer.answer("MAIL", {kUsual, "451 4.7.1 wait"});
  for (int i = 0; i < 3; ++i) queue(message());
  run();
  EXPECT_EQ(brief(0), "failed 5.1.1 rcpt");
  EXPECT_EQ(brief(1), "delayed 4.7.1 mail");
  EXPECT_EQ(brief(2), "delivered 2.0.0 final dot");
  EXPECT_EQ(std::ranges::count(peer.lines, "RSET"), 2);
  EXPECT_EQ(peer.connections, 1);
}

TEST_F(TransactionTest, SendsOnlyWhatIsOffered) {
  peer.extensions = {"PIPELINING"};
  queue(message());
  run();
  EXPECT_EQ(peer.lines[1], "MAIL FROM:<sender@client.example>");
}

TEST_F(TransactionTest, PassesDeliveryReportWishesOn) {
  peer.extensions = {"PIPELINING", "DSN"};
  auto record = message();
  record->parameters_.ret = Return::headers;
  record->parameters_.envid = "abc+2B";
  record->recipients_[0].parameters = {notify::kFailure | notify::kSuccess, "rfc822;x@y.example"};
  queue(record);
  run();
  EXPECT_EQ(peer.lines[1], "MAIL FROM:<sender@client.example> RET=HDRS ENVID=abc+2B");
  EXPECT_EQ(peer.lines[2],
            "RCPT TO:<one@example.org> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x@y.example");
}

TEST_F(TransactionTest, SuccessIsRelayedWhereTheHostHasNoDsn) {
  for (const bool dsn : {false, true}) {
    peer.extensions = {"PIPELINING"};
    if (dsn) peer.extensions.push_back("DSN");
    auto record = message({"asks@example.org", "does-not@example.org"});
    record->recipients_[0].parameters.notify = notify::kSuccess;
    queue(record);
    run();
    const std::size_t place = dsn ? 1 : 0;
    EXPECT_EQ(outcome(place, 0).action, dsn ? Action::delivered : Action::relayed);
    EXPECT_EQ(outcome(place, 1).action, Action::delivered);
    EXPECT_EQ(outcome(place, 0).passed_on, dsn);
    EXPECT_EQ(outcome(place, 1).passed_on, dsn);
  }
}

TEST_F(TransactionTest, FallsBackToHelo) {
  peer.answer("EHLO", {"502 5.5.1 what?"});
  queue(message());
  run();
  EXPECT_EQ(brief(), "delivered 2.0.0 final dot");
  EXPECT_EQ(peer.lines[1], "HELO client.example");
  EXPECT_EQ(peer.lines[2], "MAIL FROM:<sender@client.example>");
}

TEST_F(TransactionTest, EachRecipientHasItsOwnAnswer) {
  peer.answer("RCPT", {"550 no such user", kUsual, "452 4.2.2 full", "552 too many", "251 forward",
                       "299 odd", "599 odder"});
  queue(message({"a@example.org", "b@example.org", "c@example.org", "d@example.org",
                 "e@example.org", "f@example.org", "g@example.org"}));
  run();
  const std::vector<std::string> expected{"failed 5.1.1 rcpt",         "delivered 2.0.0 final dot",
                                          "delayed 4.2.2 rcpt",        "delayed 4.5.3 rcpt",
                                          "delivered 2.0.0 final dot", "delivered 2.0.0 final dot",
                                          "failed 5.1.1 rcpt"};
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(brief(0, i), expected[i]) << i;
  EXPECT_EQ(outcome(0, 0).text,
            "a.example.org [192.0.2.1] refused the recipient: 550 no such user");
  EXPECT_FALSE(host_failed());
}

TEST_F(TransactionTest, ManyRecipientsTakeSeveralTransactions) {
  std::vector<std::string> many;
  for (int i = 0; i < 250; ++i) many.push_back("u" + std::to_string(i) + "@example.org");
  queue(message(many));
  queue(message());
  run();
  for (std::size_t i = 0; i < 250; ++i) EXPECT_EQ(outcome(0, i).action, Action::delivered);
  EXPECT_EQ(peer.contents.size(), 4U);
  EXPECT_EQ(peer.connections, 1);
  EXPECT_EQ(std::ranges::count_if(peer.lines, [](auto& l) { return l.starts_with("RCPT"); }), 251);
}

TEST_F(TransactionTest, LoneDotWhenNobodyWasAccepted) {
  peer.answer("RCPT", {"550 5.1.1 no"});
  queue(message());
  queue(message());
  run();
  EXPECT_EQ(brief(0), "failed 5.1.1 rcpt");
  EXPECT_EQ(brief(1), "delivered 2.0.0 final dot");
  ASSERT_EQ(peer.contents.size(), 2U);
  EXPECT_EQ(peer.contents[0], ".\r\n");
  EXPECT_EQ(peer.connections, 1);
}

TEST_F(TransactionTest, LoneDotForAnEnvelopeThatWentAhead) {
  peer.answer("RCPT", {kUsual, "550 5.1.1 no"});
  for (int i = 0; i < 3; ++i) queue(message());
  run();
  EXPECT_EQ(brief(0), "delivered 2.0.0 final dot");
  EXPECT_EQ(brief(1), "failed 5.1.1 rcpt");
  EXPECT_EQ(brief(2), "delivered 2.0.0 final dot");
  EXPECT_EQ(peer.contents[1], ".\r\n");
}

TEST_F(TransactionTest, ResetsAfterDataWasRefused) {
  peer.answer("MAIL", {"550 5.7.1 not you"});
  peer.answer("RCPT", {"503 5.5.1 no MAIL"});
  peer.answer("DATA", {"503 5.5.1 no RCPT", "451 4.3.0 later"});
  for (int i = 0; i < 3; ++i) queue(message());
  run();
  EXPECT_EQ(brief(0), "failed 5.7.1 mail");
  EXPECT_EQ(brief(1), "delayed 4.3.0 data");
  EXPECT_EQ(brief(2), "delivered 2.0.0 final dot");
  EXPECT_TRUE(peer.chunks[2].starts_with("RSET\r\nMAIL "));
  EXPECT_TRUE(peer.chunks[3].starts_with("RSET\r\nMAIL "));
}

TEST_F(TransactionTest, RefusedMessageDoesNotHurtTheNext) {
  peer.answer("DOT", {"554 5.7.1 spam", "452 no space"});
  for (int i = 0; i < 3; ++i) queue(message());
  run();
  EXPECT_EQ(brief(0), "failed 5.7.1 final dot");
  EXPECT_EQ(brief(1), "delayed 4.3.1 final dot");
  EXPECT_EQ(brief(2), "delivered 2.0.0 final dot");
  EXPECT_EQ(peer.connections, 1);
}

TEST_F(TransactionTest, StuffsDotsAndEndsTheLastLine) {
  auto dotted = message({"one@example.org"}, ".a\r\nb\r\n..\r\n.");
  dotted->facts_.leading_dot = true;
  queue(dotted);
  queue(message({"one@example.org"}, "no end"));
  queue(message({"one@example.org"}, "x\r\n"));
  run();
  ASSERT_EQ(peer.contents.size(), 3U);
  EXPECT_EQ(peer.contents[0], "..a\r\nb\r\n...\r\n..\r\n.\r\n");
  EXPECT_EQ(peer.contents[1], "no end\r\n.\r\n");
  EXPECT_EQ(peer.contents[2], "x\r\n.\r\n");
}

TEST_F(TransactionTest, StreamsLargeBodies) {
  std::string body;
  while (body.size() < 900'000) body += ".line\r\nanother line of some length\r\n";
  for (const bool dots : {false, true}) {
    auto record = message();
    std::string octets = body;
    if (!dots) std::ranges::replace(octets, '.', '-');
    record->file = std::make_shared<FileBody>(octets);
    record->facts_.leading_dot = dots;
    queue(record);
    run();
    EXPECT_LE(record->file->largest_read, 256U << 10U);
    EXPECT_EQ(peer.contents.back(), (dots ? smtp::stuff(octets) : octets) + ".\r\n");
  }
  EXPECT_EQ(brief(0), "delivered 2.0.0 final dot");
  EXPECT_EQ(brief(1), "delivered 2.0.0 final dot");
}

TEST_F(TransactionTest, AnUnreadableBodyIsNeverEndedWithADot) {
  auto record = message();
  record->file = std::make_shared<FileBody>(std::string(400'000, 'x'));
  record->file->fail_from = 200'000;
  queue(record);
  queue(message());
  run();
  EXPECT_EQ(brief(0), "delayed 4.3.0 body");
  EXPECT_FALSE(host_failed(0));
  EXPECT_EQ(brief(1), "delivered 2.0.0 final dot");
  EXPECT_EQ(peer.contents.size(), 1U);
}

TEST_F(TransactionTest, ABodyThatIsNotWhatWasAcceptedIsNeverEndedWithADot) {
  const std::string octets(300'000, 'x');
  for (const bool damaged : {true, false}) {
    auto record = message();
    record->file = std::make_shared<FileBody>(octets);
    record->file->is_damaged = damaged;
    queue(record);
    run();
    store::BodySum whole;
    whole.add(octets);
    ASSERT_EQ(record->file->sums.size(), 1U);
    EXPECT_EQ(record->file->sums[0].size, whole.size);
    EXPECT_EQ(record->file->sums[0].crc, whole.crc);
  }
  EXPECT_EQ(brief(0), "delayed 4.3.0 body");
  EXPECT_EQ(deliveries.ended[0].result.damage, "other octets than were accepted");
  EXPECT_FALSE(host_failed(0));
  EXPECT_EQ(deliveries.ended[1].result.damage, "");
  EXPECT_EQ(peer.contents, std::vector{octets + "\r\n.\r\n"});
}

TEST_F(TransactionTest, RefusesWhatTheHostCannotTake) {
  peer.extensions = {"PIPELINING", "SIZE 10"};
  queue(message());
  run();
  EXPECT_EQ(brief(0), "failed 5.3.4 mail");
  peer.extensions = {"PIPELINING"};
  auto eight = message();
  eight->facts_.eight_bit = true;
  queue(eight);
  auto header = message();
  header->facts_.utf8_header = true;
  queue(header);
  queue(message({"j\xC3\xB6rg@example.org", "two@example.org"}));
  run();
  EXPECT_EQ(brief(1), "failed 5.6.3 mail");
  EXPECT_EQ(brief(2), "failed 5.6.9 mail");
  EXPECT_EQ(brief(3, 0), "failed 5.6.7 mail");
  EXPECT_EQ(brief(3, 1), "delivered 2.0.0 final dot");
  peer.extensions = {"PIPELINING", "8BITMIME", "SMTPUTF8"};
  auto both = message({"j\xC3\xB6rg@example.org"});
  both->facts_.eight_bit = true;
  queue(both);
  peer.lines.clear();
  run();
  EXPECT_EQ(brief(4), "delivered 2.0.0 final dot");
  EXPECT_EQ(peer.lines[1], "MAIL FROM:<sender@client.example> BODY=8BITMIME SMTPUTF8");
}

TEST_F(TransactionTest, ObserversSeeTheDialog) {
  chains->observed = true;
  queue(message());
  run();
  const auto has = [&](EventKind kind, std::string_view text) {
    const std::string wanted = std::to_string(static_cast<int>(kind)) + " " + std::string(text);
    return std::ranges::find(chains->events, wanted) != chains->events.end();
  };
  EXPECT_TRUE(has(EventKind::connected, "a.example.org"));
  EXPECT_TRUE(has(EventKind::attempt,
                  "0000000000001 example.org from=<sender@client.example> to=<one@example.org>"));
  EXPECT_TRUE(has(EventKind::line_out, "RCPT TO:<one@example.org>"));
  EXPECT_TRUE(has(EventKind::line_in, "354 go ahead"));
  EXPECT_TRUE(has(EventKind::data_out, ""));
  EXPECT_TRUE(has(EventKind::closed, "we quit"));
}

}  // namespace
}  // namespace postrider::deliver::testing
