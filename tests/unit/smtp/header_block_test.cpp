// SPDX-License-Identifier: MIT
// Header blocks: their end, their fields, edits; broken ones are kept as they are (V025 to V028).
#include "smtp/header_block.hpp"

#include <chrono>
#include <string>

#include <gtest/gtest.h>

namespace postrider::smtp {
namespace {

constexpr std::string_view kBlock =
    "Received: from a\r\n\tby b\r\nSubject: one\r\n two\r\nsubject : three\r\nX-Empty:\r\n";

TEST(HeaderSize, EndsAtTheEmptyLine) {
  EXPECT_EQ(header_size("A: b\r\n\r\nbody"), 6U);
  EXPECT_EQ(header_size("\r\nbody"), 0U);
  EXPECT_EQ(header_size(""), 0U);
  EXPECT_EQ(header_size("A: b\r\nC: d\r\n"), 12U) << "no empty line: all is header";
  EXPECT_EQ(header_size("A: b\r\nC: d\r\n", false), std::nullopt);
  EXPECT_EQ(header_size("A: b\r\n\r\nC\r\n\r\n", false), 6U);
}

TEST(HeaderSize, KnowsNoOtherLineEnd) {
  EXPECT_EQ(header_size("A: b\n\nC: d\r\n\r\n"), 12U);
  EXPECT_EQ(header_size("A: b\r\rC: d\r\n\r\n"), 12U);
  EXPECT_EQ(header_size("A: b\r\n\nC: d\r\n\r\n"), 13U);
}

TEST(FieldReader, WalksOverFields) {
  FieldReader reader(kBlock);
  auto field = reader.next();
  EXPECT_EQ(field->name, "Received");
  EXPECT_EQ(field->value, " from a\r\n\tby b");
  EXPECT_EQ(field->whole, "Received: from a\r\n\tby b\r\n");
  EXPECT_EQ(reader.next()->value, " one\r\n two");
  EXPECT_EQ(reader.next()->name, "subject");
  EXPECT_EQ(reader.next()->value, "");
  EXPECT_FALSE(reader.next());
}

TEST(FieldReader, TakesWhatIsNoFieldForNone) {
  using namespace std::string_view_literals;
  for (const std::string_view line :
       {" folded at the top\r\n"sv, "From alice Mon Jan 1\r\n"sv, ": no name\r\n"sv,
        "no colon\r\n"sv, "a b: c\r\n"sv, "a\0b: c\r\n"sv, "\xc3\xa9: c\r\n"sv, "\r\n"sv, ":\r\n"sv,
        "a\x7f: b\r\n"sv, "x"sv}) {
    FieldReader reader(line);
    const auto field = reader.next();
    ASSERT_TRUE(field);
    EXPECT_EQ(field->name, "") << line;
    EXPECT_EQ(field->whole, line);
    EXPECT_FALSE(reader.next());
  }
  EXPECT_EQ(FieldReader("__proto__: x\r\n").next()->name, "__proto__");
}

TEST(Fields, AreFoundAndCounted) {
  EXPECT_EQ(unfold(find_field(kBlock, "SUBJECT")->value), "one two");
  EXPECT_FALSE(find_field(kBlock, "Subj"));
  EXPECT_FALSE(find_field(kBlock, ""));
  EXPECT_EQ(count_fields(kBlock, "subject"), 2U);
  EXPECT_EQ(count_fields("no colon\r\n", ""), 0U);
}

TEST(Fields, AreUnfolded) {
  EXPECT_EQ(unfold(" a\r\n\tb\r\n  c "), "a\tb  c");
  EXPECT_EQ(unfold(""), "");
  EXPECT_EQ(unfold("\r\n"), "");
}

TEST(Fields, AreRemovedWithTheirFolds) {
  const auto removal = remove_fields(kBlock, "Subject");
  EXPECT_EQ(removal.removed, 2U);
  EXPECT_EQ(removal.block, "Received: from a\r\n\tby b\r\nX-Empty:\r\n");
  EXPECT_EQ(remove_fields(kBlock, "To").block, kBlock);
  EXPECT_EQ(remove_fields("junk\r\nTo: a\r\n\r\n", "to").block, "junk\r\n\r\n");
}

TEST(MakeField, RefusesBadNames) {
  using namespace std::string_view_literals;
  for (const std::string_view name :
       {""sv, "a b"sv, "a:"sv, "a\r\nb"sv, "a\0b"sv, "\xc3\xa9"sv, "a\x7f"sv})
    EXPECT_FALSE(make_field(name, "x")) << name;
  EXPECT_TRUE(make_field(std::string(75, 'n'), "x"));
  EXPECT_TRUE(make_field(std::string(76, 'n'), "x"));
  EXPECT_FALSE(make_field(std::string(77, 'n'), "x"));
}

TEST(MakeField, KeepsTheValueWithinTheField) {
  EXPECT_EQ(make_field("X", "a\r\nBcc: evil\r\n\r\nbody"), "X: a  Bcc: evil    body\r\n");
  EXPECT_EQ(make_field("X",
                       "a\x1b"
                       "b"),
            "X: a?b\r\n");
  EXPECT_EQ(make_field("X", "  a  "), "X: a\r\n");
  EXPECT_EQ(make_field("X", ""), "X:\r\n");
  EXPECT_EQ(make_field("X", "\r\n"), "X:\r\n");
}

TEST(MakeField, FoldsAtBlanks) {
  std::string value;
  for (int i = 0; i < 100; ++i) value += "word" + std::to_string(i) + " ";
  const std::string field = *make_field("X-Long", value);
  std::size_t at = 0;
  while (at < field.size()) {
    const std::size_t end = field.find("\r\n", at);
    EXPECT_LE(end - at, 78U);
    EXPECT_GT(end - at, 0U);
    at = end + 2;
  }
  FieldReader reader(field);
  value.pop_back();
  EXPECT_EQ(unfold(reader.next()->value), value);
  EXPECT_FALSE(reader.next());
}

TEST(HeaderBlock, TakesLinearTime) {
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& part :
       {std::string("X: y\r\n"), std::string(" f\r\n"), std::string("<><>((("), std::string("\r"),
        std::string("a:"), std::string("\r\n"), std::string("From: \xff\r\n")}) {
    std::string block = "To: x\r\n";
    while (block.size() < 1'000'000) block += part;
    header_size(block);
    count_fields(block, "Received");
    unfold(find_field(block, "To")->value);
    EXPECT_FALSE(remove_fields(block, "X-None").removed);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

}  // namespace
}  // namespace postrider::smtp
