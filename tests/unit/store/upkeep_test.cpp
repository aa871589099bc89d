// SPDX-License-Identifier: MIT
// What a commit may wait for besides its own flush, counted, not timed: a slice of a checkpoint, a
// step of compaction, a segment made ready and two freed, whatever the length of the queue. And
// what restarts leave on the disk.
#include <algorithm>

#include <gtest/gtest.h>

#include "script.hpp"

namespace postrider::store::testing {
namespace {

constexpr Sizes kSizes{.segment = 256 << 10};
constexpr std::uint64_t kLine = 100;  // octets of a message in a checkpoint, at most

Transaction adding(MessageId id, std::size_t octets) {
  Transaction transaction;
  transaction.add.push_back({id, "envelope", "state", make_memory_body(std::string(octets, 'b'))});
  return transaction;
}

void submit(SegmentLog& store, Transaction transaction) {
  store.commit(std::move(transaction), Durability::sync,
               [](const Result<void>& result) { EXPECT_TRUE(result); });
}

/// What the file system was asked for since the last look.
class Pass {
 public:
  explicit Pass(FaultyFileSystem& files) : files_(files) { files.record_calls(); }

  struct Work {
    std::uint64_t checkpoint = 0, log = 0;  ///< octets written
    std::ptrdiff_t checkpoint_syncs = 0, log_syncs = 0, folder_syncs = 0, names = 0,
                   allocations = 0;
  };
  Work take() {
    const auto calls = files_.recorded();
    const auto count = [&](std::string_view start, std::string_view part) {
      return std::ranges::count_if(calls, [&](const std::string& call) {
        return call.starts_with(start) && call.find(part) != std::string::npos;
      });
    };
    Work work;
    work.checkpoint_syncs = count("sync ", "CHECKPOINT");
    work.log_syncs = count("sync ", "/log/");
    work.folder_syncs = count("sync_folder ", "");
    work.names = count("rename ", "") + count("remove ", "");
    work.allocations = count("allocate ", "");
    work.checkpoint = files_.octets_written("CHECKPOINT") - checkpoint_;
    work.log = files_.octets_written("/log/") - log_;
    files_.record_calls();
    checkpoint_ += work.checkpoint;
    log_ += work.log;
    return work;
  }

 private:
  FaultyFileSystem& files_;
  std::uint64_t checkpoint_ = 0, log_ = 0;
};

class UpkeepOf : public ::testing::TestWithParam<unsigned> {};

// Each pass of the writer is one commit of one block and what it does beside.
TEST_P(UpkeepOf, OnePassDoesSmallPieces) {
  const MessageId count = GetParam();
  FaultyFileSystem files;
  LogTuning tuning = tuning_for_tests();
  tuning.slice = 128;
  auto store = *SegmentLog::open(options_for(kSizes), files, tuning);
  for (MessageId id = 1; id <= count; ++id) {
    submit(*store, adding(id, 800));
    if (id % 100 == 0) store->drive();
  }
  // Old segments with few survivors: work for compaction.
  for (MessageId id = 1; id <= count / 2; ++id) {
    if (id % 5 != 0) submit(*store, {.add = {}, .update = {}, .remove = {{id}}});
    if (id % 100 == 0) store->drive();
  }
  Pass pass(files);
  (void)pass.take();
  unsigned slices = 0, copies = 0, prepared = 0, freed = 0;
  for (MessageId round = 0; round < 3000; ++round) {
    const MessageId id = count / 2 + 1 + round % (count / 2);
    submit(*store, {.add = {}, .update = {{id, std::string(3000, 's')}}, .remove = {}});
    store->drive();
    const Pass::Work work = pass.take();
    EXPECT_LE(work.checkpoint, 128 * kLine + 2000) << round;
    EXPECT_LE(work.checkpoint_syncs, 1) << round;
    // The commit's own, the first block of a segment, and what compaction copies.
    EXPECT_LE(work.log, 2 * 4096 + (256u << 10) + 4096) << round;
    EXPECT_LE(work.log_syncs, 3) << round;
    EXPECT_LE(work.folder_syncs, 2) << round;
    EXPECT_LE(work.names, 3) << round;
    EXPECT_LE(work.allocations, 1) << round;
    const bool slice = work.checkpoint != 0;
    const bool copied = work.log > 8192;
    slices += slice ? 1 : 0;
    copies += copied ? 1 : 0;
    prepared += work.allocations == 0 ? 0 : 1;
    freed += work.names > 0 && work.allocations == 0 ? 1 : 0;
  }
  EXPECT_GE(slices, count / 2 / 128);
  EXPECT_GT(copies, 0u);
  EXPECT_GT(prepared, 10u);
  EXPECT_GT(freed, 1u);
}

INSTANTIATE_TEST_SUITE_P(Messages, UpkeepOf, ::testing::Values(1'000u, 12'000u));

std::uint64_t octets_on_disk(const FaultyFileSystem& files) {
  std::uint64_t octets = 0;
  for (const auto& path : files.paths()) octets += files.contents(path).size();
  return octets;
}

LogTuning without_compaction() {
  LogTuning tuning = tuning_for_tests();
  tuning.compaction_age = std::chrono::hours{1};
  return tuning;
}

constexpr std::uint64_t kBlocks = 4 * kBlock;  // for each restart: one of the segment, its records

// Each life leaves a message behind, in a segment of its own.
TEST(Restarts, TakeNoMoreDiskAfterACleanStop) {
  FaultyFileSystem files;
  std::uint64_t before = 0;
  for (MessageId life = 1; life <= 13; ++life) {
    const auto store = *SegmentLog::open(options_for(kSizes), files, without_compaction());
    EXPECT_EQ(store->recover([](const Stored&) {})->messages, life - 1);
    submit(*store, adding(life, 800));
    store->drive();
    store->close();
    if (life == 3) before = octets_on_disk(files);
  }
  EXPECT_LE(octets_on_disk(files), before + 10 * kBlocks);
}

TEST(Restarts, TakeNoMoreDiskAfterACrash) {
  auto files = std::make_unique<FaultyFileSystem>();
  std::uint64_t before = 0;
  for (MessageId life = 1; life <= 13; ++life) {
    auto store = *SegmentLog::open(options_for(kSizes), *files, without_compaction());
    EXPECT_EQ(store->recover([](const Stored&) {})->messages, life - 1);
    submit(*store, adding(life, 800));
    store->drive();
    if (life == 3) before = octets_on_disk(*files);
    if (life == 13) {
      EXPECT_LE(octets_on_disk(*files), before + 10 * kBlocks);
    }
    auto left = files->image(Tail::everything, life);
    store.reset();
    files = std::move(left);
  }
}

// What small pieces remain is put together by compaction, and they are given back.
TEST(Restarts, LeaveFewSegments) {
  FaultyFileSystem files;
  std::uint64_t segments = 0;
  for (MessageId life = 1; life <= 20; ++life) {
    const auto store = open_for_test(files, kSizes);
    EXPECT_EQ(store->recover([](const Stored&) {})->messages, life - 1);
    submit(*store, adding(life, 800));
    for (int pass = 0; pass < 50; ++pass) store->drive();
    store->close();
    segments = store->stats().segments;
  }
  EXPECT_LT(segments, 8u);
}

}  // namespace
}  // namespace postrider::store::testing
