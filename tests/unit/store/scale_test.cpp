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
#include "timed_files.hpp"

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
  static void remove(Store& store, MessageId id, std::atomic<std::uint64_t>& left) {
    Transaction transaction;
    transaction.remove.push_back({id});
    store.commit(std::move(transaction), Durability::lazy, [&](const Result<void>&) { --left; });
  }
  /// One commit alone: its milliseconds, and those of the calls that ended meanwhile.
  struct Waited {
    double all = 0;
    std::array<double, kServed> calls{};
  };
  Waited commit_one(Store& store, MessageId id, std::size_t octets) {
    std::promise<void> answered;
    Transaction transaction;
    transaction.update.push_back({id, std::string(octets, 'n')});
    const auto before = files_.times.micros();
    const auto start = Clock::now();
    store.commit(std::move(transaction), Durability::sync,
                 [&](const Result<void>&) { answered.set_value(); });
    answered.get_future().wait();
    Waited waited{since(start), {}};
    const auto after = files_.times.micros();
    for (std::size_t i = 0; i < kServed; ++i)
      waited.calls[i] = static_cast<double>(after[i] - before[i]) / 1000;
    return waited;
  }
  void print_calls() const {
    constexpr std::array kNames{"log writes", "log flushes", "checkpoints", "names, room"};
    for (std::size_t i = 0; i < kServed; ++i) {
      const CallTimes::Sum& sum = files_.times.of(static_cast<Served>(i));
      const auto calls = std::max<std::int64_t>(sum.calls, 1);
      fmt::print("  {:11} {:7} calls, {:8.3f} ms each, longest {:7.2f} ms, {:7.0f} KiB each\n",
                 kNames[i], sum.calls.load(), static_cast<double>(sum.micros / calls) / 1000,
                 static_cast<double>(sum.longest) / 1000,
                 static_cast<double>(sum.octets) / static_cast<double>(calls) / 1024);
    }
  }

  std::string folder_;
  LogOptions options_;
  TimedFiles files_;
};

TEST_F(Scale, AQueueOfManyMessages) {
  const std::uint64_t count = messages();
  {
    auto store = *open_log_store(options_, files_);
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
    print_calls();
    // Work for compaction: the first tenth is mostly dead.
    for (MessageId id = 1; id <= count / 10; ++id) {
      if (id % 5 == 0) continue;
      ++left;
      remove(*store, id, left);
    }
    wait_below(left, 0);
    // Long enough for two checkpoints: one is due when twice its size was written.
    const std::size_t rounds = std::clamp<std::size_t>(count / 25, 2'000, 20'000);
    const std::size_t octets = std::max<std::size_t>(60, count * 155 * 5 / rounds);
    std::vector<Waited> times;
    for (std::size_t i = 0; i < rounds; ++i)
      times.push_back(commit_one(*store, count - i % (count / 2), octets));
    std::ranges::sort(times, {}, &Waited::all);
    fmt::print("one commit of {} octets alone: median {:.2f} ms, 99.9 % {:.2f} ms; the worst:\n",
               octets, times[times.size() / 2].all, times[times.size() * 999 / 1000].all);
    for (std::size_t i = 1; i <= 5; ++i) {
      const auto& [all, calls] = times[times.size() - i];
      fmt::print(
          "  {:7.2f} ms, of which log writes {:.2f}, log flushes {:.2f}, checkpoint {:.2f}, "
          "names and room {:.2f}\n",
          all, calls[0], calls[1], calls[2], calls[3]);
    }
    print_calls();
    EXPECT_LT(times[times.size() / 2].all, 200.0);
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
  EXPECT_EQ(found, count - count / 10 + count / 10 / 5);
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
