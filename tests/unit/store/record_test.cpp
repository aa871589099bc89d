// SPDX-License-Identifier: MIT
// The framing: what is written is read back, and nothing else passes for a record.
#include "store/record.hpp"

#include <array>

#include <gtest/gtest.h>

#include "store/batch.hpp"
#include "store/scan.hpp"

namespace postrider::store {
namespace {

constexpr std::uint64_t kSalt = 0x0123456789abcdef;

Record sample() {
  Record record;
  record.type = RecordType::put;
  record.segment = 7;
  record.batch = 0xabcdef012345;
  record.id = 0xfedcba9876543210;
  record.envelope = 5;
  record.state = 6;
  record.body = 0x123456789a;
  record.text_crc = 1;
  record.body_crc = 0xffffffff;
  return record;
}

TEST(Record, HeaderIsReadBack) {
  std::string text;
  append_header(text, sample(), kSalt);
  ASSERT_EQ(text.size(), kHeaderSize);
  const auto record = parse_header(text, kSalt);
  ASSERT_TRUE(record);
  std::string again;
  append_header(again, *record, kSalt);
  EXPECT_EQ(again, text);
  EXPECT_EQ(record->id, sample().id);
  EXPECT_EQ(record->body, sample().body);
}

TEST(Record, EveryChangedOctetIsNoticed) {
  std::string text;
  append_header(text, sample(), kSalt);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (const char change : {'\x01', '\x20', '\x40'}) {
      std::string damaged = text;
      damaged[at] = static_cast<char>(damaged[at] ^ change);
      EXPECT_FALSE(parse_header(damaged, kSalt)) << at;
    }
    EXPECT_FALSE(parse_header(std::string_view(text).substr(0, at), kSalt));
  }
}

TEST(Record, AnotherSaltIsAnotherLife) {
  std::string text;
  append_header(text, sample(), kSalt);
  EXPECT_FALSE(parse_header(text, kSalt + 1));
  EXPECT_FALSE(parse_header(text, inner_salt(kSalt)));
}

std::string written(Batch& batch) {
  std::string segment(kBlock, '\n');
  for (const auto piece : batch.pieces()) segment += piece;
  return segment;
}

Transaction mail_and_removal() {
  Transaction transaction;
  transaction.add.push_back({11, "envelope", "state", make_memory_body("body\r\n")});
  transaction.remove.push_back({10});
  return transaction;
}

TEST(Batch, IsPaddedAndReadableText) {
  Batch batch;
  batch.begin(3, kSalt, 9, kBlock);
  Transaction one;
  one.add.push_back({11, "envelope", "state", make_memory_body("body\r\n")});
  const std::array<PlacedBody, 1> bodies{{{false, 6, "body\r\n", nullptr}}};
  batch.append(one, bodies);
  EXPECT_LE(batch.size(), encoded_size(one, bodies));
  const std::string segment = written(batch);
  EXPECT_EQ(segment.size() % kBlock, 0u);
  EXPECT_NE(segment.find("\nenvelope\nstate\nbody\r\n\n"), std::string::npos);
  const Scan scan = scan_segment(segment, 3, kSalt);
  ASSERT_EQ(scan.records.size(), 1u);
  EXPECT_EQ(scan.records[0].record.id, 11u);
  EXPECT_TRUE(scan.holes.empty());
}

TEST(Batch, CompositeIsAllOrNothing) {
  Batch batch;
  batch.begin(3, kSalt, 9, kBlock);
  const std::array<PlacedBody, 1> bodies{{{false, 6, "body\r\n", nullptr}}};
  batch.append(mail_and_removal(), bodies);
  const std::string segment = written(batch);
  EXPECT_EQ(scan_segment(segment, 3, kSalt).records.size(), 2u);
  const auto& put = batch.records()[0];
  const std::size_t line_feed = put.offset + put.record.size() - 1;  // behind the body: no matter
  for (std::size_t at = kBlock; at < kBlock + batch.size(); ++at) {
    if (at == line_feed) continue;
    std::string damaged = segment;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    const Scan scan = scan_segment(damaged, 3, kSalt);
    EXPECT_TRUE(scan.records.empty()) << "octet " << at;
    EXPECT_FALSE(scan.holes.empty());
  }
}

TEST(Scan, BodyThatForgesARecordStaysABody) {
  Batch forged;
  forged.begin(3, kSalt + 1, 9, kBlock);
  forged.append(mail_and_removal(), std::array<PlacedBody, 1>{{{false, 1, "x", nullptr}}});
  const std::string body = written(forged);
  Batch batch;
  batch.begin(3, kSalt, 9, kBlock);
  Transaction one;
  one.add.push_back({11, "envelope", "state", make_memory_body(body)});
  batch.append(one, std::array<PlacedBody, 1>{{{false, body.size(), body, nullptr}}});
  std::string segment = written(batch);
  segment[kBlock] = 'x';  // even with the real header lost
  const Scan scan = scan_segment(segment, 3, kSalt);
  EXPECT_TRUE(scan.records.empty());
  ASSERT_EQ(scan.holes.size(), 1u);
}

TEST(Scan, ContinuesBehindAHole) {
  Batch batch;
  batch.begin(3, kSalt, 9, kBlock);
  Record update{.type = RecordType::update};
  for (MessageId id = 1; id <= 3; ++id) {
    update.id = id;
    batch.append(update, {}, "a state of some length", {});
  }
  std::string segment = written(batch);
  segment[batch.records()[1].offset + kHeaderSize + 5] ^= 1;
  const Scan scan = scan_segment(segment, 3, kSalt);
  ASSERT_EQ(scan.records.size(), 2u);
  EXPECT_EQ(scan.records[1].record.id, 3u);
  ASSERT_EQ(scan.holes.size(), 1u);
  EXPECT_EQ(scan.holes[0].batch, 9u);
}

}  // namespace
}  // namespace postrider::store
