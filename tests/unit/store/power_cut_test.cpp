// SPDX-License-Identifier: MIT
// Cuts the power after every single call that reaches the disk, in three shapes of what was not yet
// synced, and opens the store on what is left. Also fails each call once.
#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "script.hpp"

namespace postrider::store::testing {
namespace {

// One thread runs here: the thread sanitizer has little to see, and is slow.
#if defined(__has_feature) && __has_feature(thread_sanitizer)
constexpr bool kSlow = true;
#else
constexpr bool kSlow = false;
#endif

constexpr std::array kTails{Tail::nothing, Tail::everything, Tail::random_sectors};

struct Outcome {
  unsigned images = 0;
  unsigned bad = 0;
  std::string first;
};

// Opens `image`, cuts the power again at a call of that recovery, and checks what is left then.
std::string check_second_cut(FaultyFileSystem& image, const Script& script, const Sizes& sizes,
                             std::uint64_t seed) {
  std::unique_ptr<FaultyFileSystem> second;
  const std::uint64_t at = image.calls() + 1 + seed % 12;
  image.after_each_call([&] {
    if (!second && image.calls() >= at) second = image.image(kTails[seed % 3], seed);
  });
  {
    const auto store = open_for_test(image, sizes);
    image.after_each_call({});
  }
  return second ? script.check(*second) : std::string();
}

Outcome cut_everywhere(std::uint64_t seed, const Sizes& sizes,
                       const std::function<void(FaultyFileSystem&)>& prepare = {}) {
  Outcome outcome;
  FaultyFileSystem files;
  if (prepare) prepare(files);
  Script script(seed, sizes);
  const auto judge = [&](const std::string& found) {
    ++outcome.images;
    if (found.empty()) return;
    if (outcome.bad++ == 0) outcome.first = fmt::format("call {}: {}", files.calls(), found);
  };
  files.after_each_call([&] {
    for (const Tail tail : kTails) {
      const std::uint64_t shape = seed * 1000003 + files.calls();
      auto image = files.image(tail, shape);
      if (files.calls() % 5 == 0) {
        judge(check_second_cut(*image, script, sizes, shape / 5));
      } else {
        judge(script.check(*image));
      }
    }
  });
  const auto store = open_for_test(files, sizes);
  if (!store) {
    outcome.first = "cannot open";
    return outcome;
  }
  script.run(*store);
  files.after_each_call({});
  return outcome;
}

class PowerCutBySeed : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(PowerCutBySeed, LosesNothingAcknowledgedAfterAnyCall) {
  const Outcome outcome = cut_everywhere(GetParam(), {.steps = kSlow ? 40u : 300u});
  EXPECT_EQ(outcome.bad, 0u) << "of " << outcome.images << ": " << outcome.first;
  EXPECT_GT(outcome.images, kSlow ? 300u : 2500u);
}

INSTANTIATE_TEST_SUITE_P(Seeds, PowerCutBySeed, ::testing::Values(1u, 2u));

TEST(PowerCut, NoticesAMissingFileSync) {
  const auto outcome =
      cut_everywhere(1, {.steps = 40}, [](FaultyFileSystem& files) { files.ignore_file_syncs(); });
  EXPECT_GT(outcome.bad, 0u);
}

TEST(PowerCut, NoticesAMissingFolderSync) {
  const auto outcome = cut_everywhere(1, {.steps = 40},
                                      [](FaultyFileSystem& files) { files.ignore_folder_syncs(); });
  EXPECT_GT(outcome.bad, 0u);
}

// Goes on with what a killed process left, and cuts the power after each call of the new one.
std::string cut_after_a_kill(FaultyFileSystem& left, Script script, const Sizes& sizes) {
  std::string found;
  left.after_each_call([&] {
    const Tail tail = left.calls() % 2 == 0 ? Tail::nothing : Tail::random_sectors;
    if (found.empty()) found = script.check(*left.image(tail, left.calls()));
  });
  const auto store = open_for_test(left, sizes);
  if (!store) return "cannot open";
  for (unsigned step = 0; step < 10 && found.empty(); ++step) {
    script.queue_step(*store);
    store->drive();
  }
  left.after_each_call({});
  return found;
}

// A kill leaves in the page cache what no flush has covered: a checkpoint, for example. The next
// start reads it, and must not give up the one before as long as the disk may not have it.
TEST(PowerCut, SoonAfterAKill) {
  const Sizes sizes{.steps = kSlow ? 40u : 90u, .segment = 24 << 10};
  FaultyFileSystem files;
  files.record_calls();
  Script script(4, sizes);
  std::string found;
  unsigned kills = 0;
  files.after_each_call([&] {
    const std::string call = files.recorded().back();
    if (!found.empty() || !call.starts_with("write /spool/CHECKPOINT")) return;
    ++kills;
    found = cut_after_a_kill(*files.image(Tail::everything, 0), script, sizes);
  });
  const auto store = open_for_test(files, sizes);
  script.run(*store);
  files.after_each_call({});
  EXPECT_EQ(found, "") << "kill " << kills;
  EXPECT_GT(kills, 3u);
}

// The script goes through what the test is about: rotation, recycling, compaction, large bodies.
TEST(PowerCut, ScriptReachesEveryPartOfTheStore) {
  FaultyFileSystem files;
  files.record_calls();
  Script script(1, {});
  {
    const auto store = open_for_test(files, {});
    script.run(*store);
    EXPECT_EQ(script.failures(), 0u);
    EXPECT_GT(script.acknowledged(), 200u);
    EXPECT_LT(store->stats().segments, 40u);
    EXPECT_EQ(script.check(*store), "");
  }
  const auto calls = files.recorded();
  const auto count = [&](std::string_view start, std::string_view part) {
    return std::ranges::count_if(calls, [&](const std::string& call) {
      return call.starts_with(start) && call.find(part) != std::string::npos;
    });
  };
  EXPECT_GT(count("rename", ".spare"), 2);
  EXPECT_GT(count("rename", ".log"), 2);
  EXPECT_GT(count("write", "CHECKPOINT"), 4);
  EXPECT_GT(count("create", "/big/"), 3);
  EXPECT_GT(count("remove", "/big/"), 1);
  std::string log;
  for (const auto& path : files.paths()) {
    if (path.find("/log/") != std::string::npos) log += files.contents(path);
  }
  EXPECT_NE(log.find("Q1 p "), std::string::npos) << "nothing was compacted";
  EXPECT_NE(log.find("Q1 X "), std::string::npos);
}

// Runs the script with the `call`-th call failing. Empty if no promise was broken.
std::string run_with_fault(std::uint64_t call, Fault fault, const Sizes& sizes, unsigned& refused,
                           unsigned& injected) {
  FaultyFileSystem files;
  files.fail_call(call, fault);
  auto store = open_for_test(files, sizes);
  if (!store) store = open_for_test(files, sizes);
  if (!store) return "does not open after a failed attempt";
  Script script(3, sizes);
  script.run(*store);
  store->drive();
  if (!store->stats().accepting) return "does not accept again: " + store->stats().trouble;
  const unsigned failures = script.failures();
  refused += failures;
  for (int i = 0; i < 5; ++i) {
    script.queue_step(*store);
    store->drive();
  }
  if (script.failures() != failures) return "fails again";
  auto found = script.check(*files.image(Tail::nothing, call));
  if (found.empty()) found = script.check(*files.image(Tail::random_sectors, call));
  injected += files.faults();
  store.reset();
  store = open_for_test(files, sizes);
  return found.empty() ? script.check(*store, true) : found;
}

// Every call of a script that rotates, checkpoints in slices, compacts and stores large bodies both
// ways, failed in turn by each fault; the output counts them.
TEST(Faults, EachCallFailsOnceAndNothingAcknowledgedIsLost) {
  const Sizes sizes{.steps = 90, .segment = 24 << 10, .large = 6 << 10};
  std::vector<std::string> calls;
  std::string log;
  {
    FaultyFileSystem files;
    files.record_calls();
    const auto store = open_for_test(files, sizes);
    Script script(3, sizes);
    script.run(*store);
    calls = files.recorded();
    for (const auto& path : files.paths()) {
      if (path.find("/log/") != std::string::npos) log += files.contents(path);
    }
  }
  EXPECT_NE(log.find("Q1 p "), std::string::npos) << "nothing was compacted";
  std::map<std::string, unsigned> kinds;
  for (const std::string& call : calls) {
    const std::string path = call.substr(call.find(' ') + 1);
    const char* place = path.find("/big") != std::string::npos         ? "big/"
                        : path.find("CHECKPOINT") != std::string::npos ? "CHECKPOINT"
                        : path.find("/log") != std::string::npos       ? "log/"
                                                                       : "the folder";
    ++kinds[call.substr(0, call.find(' ')) + ' ' + place];
  }
  for (const auto& [kind, count] : kinds) fmt::print("{:4} {}\n", count, kind);
  for (const char* kind :
       {"create big/", "write big/", "sync big/", "sync_folder big/", "remove big/", "create log/",
        "allocate log/", "write log/", "sync log/", "sync_folder log/", "rename log/", "open log/",
        "write CHECKPOINT", "sync CHECKPOINT", "open CHECKPOINT", "create CHECKPOINT"}) {
    EXPECT_GT(kinds[kind], 0u) << kind;
  }
  unsigned refused = 0, injected = 0;
  for (const Fault fault :
       {Fault::io, Fault::no_space, Fault::quota, Fault::too_many_files, Fault::short_write}) {
    for (std::uint64_t call = 1; call <= calls.size(); call += kSlow ? 10 : 1) {
      EXPECT_EQ(run_with_fault(call, fault, sizes, refused, injected), "")
          << calls[call - 1] << ", call " << call << ", fault " << static_cast<int>(fault);
    }
  }
  fmt::print("{} calls, {} faults injected, {} commits refused\n", calls.size(), injected, refused);
  const auto writes = static_cast<unsigned>(std::ranges::count_if(
      calls, [](const std::string& call) { return call.starts_with("write "); }));
  if (!kSlow) {
    EXPECT_EQ(injected, 4 * calls.size() + writes);  // a short write happens to writes only
  }
  EXPECT_GT(refused, kSlow ? 20u : 200u);
}

// A failed call, and then a power cut after any of the calls that follow it.
TEST(Faults, PowerCutSoonAfterAFailedCall) {
  const Sizes sizes{.steps = 60, .segment = 24 << 10, .large = 6 << 10};
  for (std::uint64_t call = 20; call < 300; call += kSlow ? 30 : 3) {
    FaultyFileSystem files;
    Script script(3, sizes);
    const auto store = open_for_test(files, sizes);
    ASSERT_TRUE(store);
    files.fail_call(call, call % 2 == 0 ? Fault::io : Fault::short_write);
    std::string found;
    files.after_each_call([&] {
      if (files.calls() < call || files.calls() > call + 12 || !found.empty()) return;
      for (const Tail tail : kTails) {
        found = script.check(*files.image(tail, call));
        if (!found.empty()) break;
      }
    });
    script.run(*store);
    files.after_each_call({});
    EXPECT_EQ(found, "") << "call " << call;
  }
}

// A write fails, and so does the flush of the record that says so; what is acknowledged next must
// not make damage of the failed write.
TEST(Faults, WhatFollowsAFailedSealComesBack) {
  const Sizes sizes{.segment = 32 << 10, .large = 64 << 10};
  FaultyFileSystem files;
  const auto store = open_for_test(files, sizes);
  ASSERT_TRUE(store);
  std::map<MessageId, bool> answers;
  const std::uint64_t write = files.calls() + 1;
  files.fail_call(write, Fault::short_write);
  files.after_each_call([&] {
    if (files.calls() == write + 1) files.fail_call(write + 2, Fault::io);
  });
  std::vector<std::unique_ptr<FaultyFileSystem>> cuts;
  for (const MessageId id : {1u, 2u, 3u}) {  // each a batch of its own: a segment takes no two
    Transaction transaction;
    transaction.add.push_back(
        {id, "envelope", "state", make_memory_body(std::string(20'000, 'x'))});
    store->commit(std::move(transaction), Durability::sync, [&, id](const Result<void>& result) {
      answers[id] = result.has_value();
      for (std::uint64_t seed = 0; id == 3 && seed < 20; ++seed)
        cuts.push_back(files.image(Tail::random_sectors, seed));
    });
  }
  store->drive();
  files.after_each_call({});
  const std::map<MessageId, bool> expected{{1, false}, {2, true}, {3, true}};
  EXPECT_EQ(answers, expected);
  EXPECT_EQ(files.faults(), 2u);
  for (const auto& cut : cuts) {
    const auto reopened = open_for_test(*cut, sizes);
    std::vector<MessageId> ids;
    const auto recovered =
        reopened->recover([&](const Stored& stored) { ids.push_back(stored.id); });
    EXPECT_EQ(ids, (std::vector<MessageId>{2, 3}));
    EXPECT_EQ(recovered->damaged, 0u) << recovered->notes.front();
  }
}

}  // namespace
}  // namespace postrider::store::testing
