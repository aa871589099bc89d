// SPDX-License-Identifier: MIT
// The index against a plain map, in every order of ids; and checkpoints written in slices while it
// changes.
#include "store/index.hpp"

#include <array>
#include <map>
#include <random>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "store/checkpoint.hpp"
#include "store/crc32c.hpp"
#include "store/faulty_file.hpp"

namespace postrider::store {
namespace {

bool operator==(const Entry& left, const Entry& right) {
  return left.put == right.put && left.put_size == right.put_size && left.state == right.state &&
         left.state_size == right.state_size && left.body == right.body && left.file == right.file;
}

Entry some_entry(std::mt19937_64& random) {
  Entry entry;
  entry.put = {static_cast<std::uint32_t>(random() % 9), random() % 0xffffffff};
  entry.state = {static_cast<std::uint32_t>(random() % 9), random() % 0xffffffff};
  entry.put_size = 1 + random() % 100'000;
  entry.state_size = random() % 3 == 0 ? 1 + random() % 500 : 0;
  entry.file = random() % 5 == 0;
  entry.body = random() % (entry.file ? 1ull << 40 : entry.put_size);
  return entry;
}

using Model = std::map<MessageId, Entry>;

void expect_same(const Index& index, const Model& model) {
  ASSERT_EQ(index.size(), model.size());
  std::map<std::uint32_t, std::uint64_t> live;
  auto expected = model.begin();
  index.for_each([&](MessageId id, const Entry& entry) {
    ASSERT_NE(expected, model.end());
    EXPECT_EQ(id, expected->first);
    EXPECT_TRUE(entry == expected->second);
    live[entry.put.segment] += entry.put_size;
    if (entry.state_size != 0) live[entry.state.segment] += entry.state_size;
    ++expected;
  });
  for (std::uint32_t segment = 0; segment < 9; ++segment) {
    EXPECT_EQ(index.live(segment), live[segment]);
  }
}

TEST(Index, AgreesWithAMap) {
  std::mt19937_64 random(1);
  Index index;
  Model model;
  MessageId last = 1'000'000;
  for (int step = 0; step < 60'000; ++step) {
    const auto kind = random() % 10;
    const MessageId any = 1'000'000 + random() % (2 * static_cast<unsigned>(step) + 2);
    if (kind < 4) {
      last += 1 + random() % 3;
      model[last] = some_entry(random);
      index.put(last, model[last]);
    } else if (kind < 5) {  // out of turn, perhaps the very first
      const MessageId id = random() % 8 == 0 ? random() % 1'000'000 : any;
      model[id] = some_entry(random);
      index.put(id, model[id]);
    } else if (kind < 6) {
      index.set_state(any, {3, 77}, 99);
      if (const auto found = model.find(any); found != model.end()) {
        found->second.state = {3, 77};
        found->second.state_size = 99;
      }
    } else {
      const auto from = model.lower_bound(any);
      const MessageId id = from == model.end() ? any : from->first;
      index.erase(id);
      model.erase(id);
    }
    ASSERT_EQ(index.find(any).has_value(), model.contains(any)) << step;
    if (step % 5'000 == 0) expect_same(index, model);
  }
  expect_same(index, model);
  for (const auto& [id, entry] : model) index.erase(id);
  EXPECT_EQ(index.size(), 0u);
  EXPECT_EQ(index.bytes(), 0u);
}

TEST(Index, WalksInPieces) {
  Index index;
  std::mt19937_64 random(2);
  for (MessageId id = 1; id <= 3000; ++id) index.put(id * 2, some_entry(random));
  std::vector<MessageId> seen;
  std::optional<MessageId> next = 0;
  for (std::size_t most = 1; next; ++most) {
    next = index.walk(*next, most, [&](MessageId id, const Entry&) {
      seen.push_back(id);
      return true;
    });
  }
  ASSERT_EQ(seen.size(), 3000u);
  for (MessageId id = 1; id <= 3000; ++id) EXPECT_EQ(seen[id - 1], id * 2);
  EXPECT_EQ(index.walk(100, 1000, [](MessageId id, const Entry&) { return id < 200; }), 200u);
}

TEST(Checkpoint, WrittenInSlicesNamesWhatItPointsAt) {
  FaultyFileSystem files;
  Index index;
  std::mt19937_64 random(3);
  for (MessageId id = 1; id <= 100; ++id) index.put(id, some_entry(random));
  CheckpointFiles slots(files, "/spool");
  CheckpointWriter writer(slots, index, [](std::uint32_t segment) { return segment + 1000; });
  const CheckpointHead head{.generation = 7, .replay_from = 4, .next_batch = 12, .last_id = 100};
  writer.begin(head);
  int slices = 0;
  while (writer.is_active()) {
    const auto done = writer.step(9);
    ASSERT_TRUE(done);
    EXPECT_EQ(*done, !writer.is_active());
    ++slices;
    index.erase(10 * static_cast<MessageId>(slices));  // before its slice
    index.erase(3 * static_cast<MessageId>(slices));   // after its slice
  }
  EXPECT_EQ(slices, 11);
  const auto loaded = CheckpointFiles(files, "/spool").load();
  ASSERT_TRUE(loaded && loaded->newest);
  const Checkpoint& found = *loaded->newest;
  EXPECT_EQ(found.generation, 7u);
  EXPECT_EQ(found.next_batch, 12u);
  EXPECT_EQ(found.salts, writer.salts());
  EXPECT_EQ(found.index.size(), 90u);
  EXPECT_TRUE(found.index.find(3));
  EXPECT_FALSE(found.index.find(10));
  found.index.for_each([&](MessageId, const Entry& entry) {
    EXPECT_TRUE(found.salts.contains(entry.put.segment));
    EXPECT_TRUE(found.salts.contains(entry.state.segment));
  });
  const std::string text = files.contents("/spool/CHECKPOINT.0");
  EXPECT_EQ(parse_checkpoint(text, CheckpointPart::without_index)->salts, found.salts);
  for (std::size_t at = 0; at < text.size() - 1; at += 37) {
    std::string damaged = text;
    damaged[at] ^= 1;
    EXPECT_FALSE(parse_checkpoint(damaged)) << at;
    EXPECT_FALSE(parse_checkpoint(damaged, CheckpointPart::without_index)) << at;
  }
}

TEST(Checkpoint, ForgetsWhatItBeganBefore) {
  FaultyFileSystem files;
  Index index;
  std::mt19937_64 random(4);
  for (MessageId id = 1; id <= 50; ++id) index.put(id, some_entry(random));
  CheckpointFiles slots(files, "/spool");
  CheckpointWriter writer(slots, index, [](std::uint32_t) { return 1; });
  writer.begin({.generation = 1, .replay_from = 1, .next_batch = 1, .last_id = 50});
  ASSERT_TRUE(writer.step(10));
  writer.begin({.generation = 2, .replay_from = 1, .next_batch = 1, .last_id = 50});
  EXPECT_TRUE(*writer.step(1000));
  EXPECT_EQ(CheckpointFiles(files, "/spool").load()->newest->generation, 2u);
}

// As builds wrote them once: 16 digits a field.
std::string wide_checkpoint(std::uint64_t generation, const Model& model) {
  std::string text = fmt::format("postrider-queue 1\nC {:016x} {:016x} {:016x} {:016x}\n",
                                 generation, 4, 12, model.size());
  for (const auto& [id, entry] : model)
    text +=
        fmt::format("M {:016x} {:016x} {:016x} {:016x} {:016x} {:016x} {:016x} {:016x} {:016x}\n",
                    id, entry.put.segment, entry.put.offset, entry.put_size, entry.state.segment,
                    entry.state.offset, entry.state_size, entry.body, entry.file ? 1 : 0);
  for (std::uint64_t segment = 0; segment < 9; ++segment)
    text += fmt::format("S {:016x} {:016x}\n", segment, ~segment);
  return text + fmt::format("E {:016x} {:016x}\n", text.size(), crc32c(text));
}

TEST(Checkpoint, ReadsWideFieldsAndWritesOverThem) {
  FaultyFileSystem files;
  std::mt19937_64 random(5);
  Model model;
  for (MessageId id = 1; id <= 200; ++id) model[id] = some_entry(random);
  const std::string wide = wide_checkpoint(7, model);
  const std::array<std::string_view, 1> pieces{wide};
  ASSERT_TRUE((*files.open("/spool/CHECKPOINT.0", OpenMode::create))->write(0, pieces));
  CheckpointFiles slots(files, "/spool");
  const auto loaded = slots.load();
  ASSERT_TRUE(loaded && loaded->newest);
  EXPECT_EQ(loaded->newest->generation, 7u);
  EXPECT_EQ(loaded->newest->salts.at(8), ~8ull);
  expect_same(loaded->newest->index, model);

  Index few;
  for (MessageId id = 1; id <= 20; ++id) few.put(id, model[id]);
  CheckpointWriter writer(slots, few, [](std::uint32_t segment) { return segment + 1000; });
  writer.begin({.generation = 8, .replay_from = 5, .next_batch = 13, .last_id = 200});
  ASSERT_TRUE(*writer.step(1000));
  writer.begin({.generation = 9, .replay_from = 6, .next_batch = 14, .last_id = 200});
  ASSERT_FALSE(*writer.step(9));  // half of it, over the longer one
  const auto between = CheckpointFiles(files, "/spool").load();
  EXPECT_EQ(between->newest->generation, 8u);
  EXPECT_FALSE(between->former);
  ASSERT_TRUE(*writer.step(1000));
  const auto over = CheckpointFiles(files, "/spool").load();
  EXPECT_EQ(over->newest->generation, 9u);
  EXPECT_EQ(over->newest->index.size(), 20u);
  EXPECT_EQ(over->former->generation, 8u);
  EXPECT_EQ(files.contents("/spool/CHECKPOINT.0").size(), wide.size());
}

}  // namespace
}  // namespace postrider::store
