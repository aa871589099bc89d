// SPDX-License-Identifier: MIT
// A long queue: what a commit waits for while a checkpoint of all of it is written, how long the
// store takes to open, and what it costs in memory. POSTRIDER_MESSAGES=1000000 makes it longer; the
// bounds are generous, the figures are printed.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "store/checkpoint.hpp"
#include "store/segment_log.hpp"

namespace postrider::store::testing {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::size_t in_use() {
  return mallinfo2().uordblks + mallinfo2().hblkhd;
}

std::uint64_t messages() {
  const char* given = std::getenv("POSTRIDER_MESSAGES");
  return given == nullptr ? 50'000 : std::strtoull(given, nullptr, 10);
}

class Scale : public ::testing::Test {
 protected:
  Scale() {
    std::string name = (std::filesystem::temp_directory_path() / "storeXXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    options_.folder = folder_ + "/spool";
    options_.segment_size = 4 << 20;
    options_.minimum_free = 0;
  }
  Scale(const Scale&) = delete;
  Scale& operator=(const Scale&) = delete;
  ~Scale() override { std::filesystem::remove_all(folder_); }

  static void add(Store& store, MessageId id, std::atomic<std::uint64_t>& left) {
    Transaction transaction;
    transaction.add.push_back(
        {id, std::string(200, 'e'), std::string(60, 's'), make_memory_body(std::string(300, 'b'))});
    store.commit(std::move(transaction), Durability::sync, [&](const Result<void>& result) {
      EXPECT_TRUE(result);
      --left;
    });
  }
  static void wait_below(const std::atomic<std::uint64_t>& left, std::uint64_t most) {
    while (left > most) std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  /// The time of one commit alone.
  static double commit_one(Store& store, MessageId id) {
    std::promise<void> answered;
    Transaction transaction;
    transaction.update.push_back({id, std::string(60, 'n')});
    const auto start = Clock::now();
    store.commit(std::move(transaction), Durability::sync,
                 [&](const Result<void>&) { answered.set_value(); });
    answered.get_future().wait();
    return since(start);
  }

  std::string folder_;
  LogOptions options_;
};

TEST_F(Scale, AQueueOfManyMessages) {
  const std::uint64_t count = messages();
  {
    auto store = *open_log_store(options_);
    ASSERT_TRUE(store->recover([](const Stored&) {}));
    const std::size_t before = in_use();
    std::atomic<std::uint64_t> left = 0;
    const auto start = Clock::now();
    for (MessageId id = 1; id <= count; ++id) {
      ++left;
      add(*store, id, left);
      if (id % 256 == 0) wait_below(left, 1024);
    }
    wait_below(left, 0);
    fmt::print("{} messages stored in {:.0f} ms, {:.1f} octets of memory each\n", count,
               since(start), static_cast<double>(in_use() - before) / static_cast<double>(count));
    // Long enough for checkpoints: more is written than twice their size.
    std::vector<double> times;
    const std::size_t rounds = std::clamp<std::size_t>(count / 25, 2'000, 20'000);
    for (std::size_t i = 0; i < rounds; ++i) times.push_back(commit_one(*store, 1 + i % count));
    std::ranges::sort(times);
    fmt::print("one commit alone, meanwhile: median {:.2f} ms, 99.9 % {:.2f} ms, worst {:.2f} ms\n",
               times[times.size() / 2], times[times.size() * 999 / 1000], times.back());
    EXPECT_LT(times[times.size() / 2], 200.0);
    const auto closing = Clock::now();
    store->close();
    fmt::print("closed in {:.0f} ms\n", since(closing));
  }
  const auto opening = Clock::now();
  auto store = open_log_store(options_);
  ASSERT_TRUE(store) << store.error().detail;
  const double opened = since(opening);
  std::uint64_t found = 0;
  MessageId last = 0;
  const auto recovered = (*store)->recover([&](const Stored& stored) {
    EXPECT_GT(stored.id, last);
    last = stored.id;
    ++found;
  });
  fmt::print("opened in {:.0f} ms, {} messages read in {:.0f} ms more\n", opened, found,
             since(opening) - opened);
  EXPECT_EQ(found, count);
  EXPECT_EQ(recovered->damaged, 0u);
  EXPECT_LT(since(opening), 30'000.0 + static_cast<double>(count) / 20);
}

// The index: octets a message, filled in order, thinned out at random, and filled again.
TEST_F(Scale, TheIndexStaysSmall) {
  const std::uint64_t count = messages();
  const std::size_t before = in_use();
  Index index;
  const Entry entry{.put = {1, 4096},
                    .put_size = 500,
                    .state = {1, 4096},
                    .state_size = 0,
                    .body = 300,
                    .file = false};
  for (MessageId id = 1; id <= count; ++id) index.put(id << 20, entry);
  const double full = static_cast<double>(in_use() - before) / static_cast<double>(count);
  for (MessageId id = 1; id <= count; ++id) {
    if (id % 10 != 0) index.erase(id << 20);
  }
  const double thin = static_cast<double>(in_use() - before) / static_cast<double>(index.size());
  fmt::print("the index takes {:.1f} octets a message, thinned out {:.1f}\n", full, thin);
  EXPECT_LT(full, 60.0);
  EXPECT_LT(thin, 200.0);
}

}  // namespace
}  // namespace postrider::store::testing
