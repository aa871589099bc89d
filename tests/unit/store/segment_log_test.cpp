// SPDX-License-Identifier: MIT
// What the store promises its operator: one daemon, no newer format touched, damage set aside,
// a full disk survived; and that its thread answers everybody.
#include "store/segment_log.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "script.hpp"

namespace postrider::store::testing {
namespace {

constexpr Sizes kSizes{};

Result<void> commit(SegmentLog& store, Transaction transaction) {
  Result<void> answer = std::unexpected(Error{Errc::io, "no answer"});
  store.commit(std::move(transaction), Durability::sync,
               [&](Result<void> result) { answer = std::move(result); });
  store.drive();
  return answer;
}

Transaction adding(MessageId id, std::string body) {
  Transaction transaction;
  transaction.add.push_back({id, "envelope", "state", make_memory_body(std::move(body))});
  return transaction;
}

Transaction removing(MessageId id) {
  return {.add = {}, .update = {}, .remove = {{id}}};
}

std::string read_all(const Body& body) {
  std::string octets(body.size(), '\0');
  octets.resize(*body.read(0, octets.data(), octets.size()));
  return octets;
}

std::map<std::string, std::string> everything(const FaultyFileSystem& files) {
  std::map<std::string, std::string> all;
  for (const auto& path : files.paths()) all[path] = files.contents(path);
  return all;
}

// The same script against the log and a model: with reopening in between.
TEST(SegmentLog, AgreesWithTheModelOverManyReopenings) {
  FaultyFileSystem files;
  Script script(7, {.steps = 120});
  for (int round = 0; round < 12; ++round) {
    const auto store = open_for_test(files, kSizes);
    ASSERT_TRUE(store);
    ASSERT_EQ(script.check(*store, true), "") << round;
    script.run(*store);
    ASSERT_EQ(script.check(*store, true), "") << round;
    EXPECT_LT(store->stats().segments, 60u);
  }
  EXPECT_EQ(script.failures(), 0u);
}

TEST(SegmentLog, GivesBackWhatItTook) {
  FaultyFileSystem files;
  auto store = open_for_test(files, kSizes);
  const MessageId id = store->new_id();
  ASSERT_TRUE(commit(*store, adding(id, "body")));
  EXPECT_EQ((*store->body(id))->memory(), "body");
  EXPECT_EQ(store->stats().messages, 1u);
  EXPECT_EQ(commit(*store, adding(id, "again")).error().code, Errc::io);
  ASSERT_TRUE(commit(*store, {.add = {}, .update = {{id, "later"}}, .remove = {}}));
  store.reset();
  store = open_for_test(files, kSizes);
  std::vector<Stored> all;
  ASSERT_TRUE(store->recover([&](Stored stored) { all.push_back(std::move(stored)); }));
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].state, "later");
  EXPECT_EQ(all[0].body_size, 4u);
  ASSERT_TRUE(commit(*store, removing(id)));
  EXPECT_EQ(commit(*store, removing(id)).error().code, Errc::not_found);
  EXPECT_EQ(store->body(id).error().code, Errc::not_found);
  EXPECT_EQ(store->stats().bytes, 0u);
}

// Loops commit while the queue is read after a start: what they add is not taken for found, what
// they free and what compaction moves is still read.
TEST(SegmentLog, IsReadWhileLoopsCommit) {
  constexpr MessageId kMessages = 6'000;
  FaultyFileSystem files;
  auto store = open_for_test(files, kSizes);
  const auto submit = [&](Transaction transaction) {
    store->commit(std::move(transaction), Durability::sync,
                  [](const Result<void>& result) { EXPECT_TRUE(result); });
  };
  for (MessageId id = 1; id <= kMessages; ++id) {
    submit(adding(id, "body"));
    if (id % 50 == 0) store->drive();
  }
  store.reset();
  store = open_for_test(files, kSizes);
  MessageId expected = 1;
  MessageId fresh = kMessages;
  const auto recovered = store->recover([&](const Stored& stored) {
    EXPECT_EQ(stored.id, expected++);
    EXPECT_EQ(stored.envelope, "envelope");
    submit(adding(++fresh, std::string(3000, 'x')));
    if (stored.id % 10 != 0) submit(removing(stored.id));
    if (stored.id % 20 == 0) store->drive();
  });
  EXPECT_EQ(recovered->messages, kMessages);
  EXPECT_EQ(recovered->damaged, 0u) << recovered->notes.front();
  store->drive();
  EXPECT_EQ(store->stats().messages, kMessages + kMessages / 10);
}

TEST(SegmentLog, NeverGivesAnIdTwice) {
  FaultyFileSystem files;
  MessageId last = 0;
  for (int round = 0; round < 3; ++round) {
    const auto store = open_for_test(files, kSizes);
    const MessageId id = store->new_id() + (1ull << 50);  // the clock runs ahead, then back
    EXPECT_GT(store->new_id(), last);
    last = std::max(last, id);
    ASSERT_TRUE(commit(*store, adding(last + static_cast<MessageId>(round), "body")));
    last += static_cast<MessageId>(round);
  }
}

TEST(SegmentLog, SharesALargeBodyAmongMessages) {
  FaultyFileSystem files;
  auto store = open_for_test(files, kSizes);
  const MessageId first = store->new_id();
  const MessageId second = store->new_id();
  const std::string octets(20'000, 'x');
  auto writer = store->new_body(first);
  ASSERT_TRUE((*writer)->append(octets));
  auto body = *(*writer)->finish();
  Transaction split;
  split.add.push_back({first, "one", "", body});
  split.add.push_back({second, "two", "", body});
  ASSERT_TRUE(commit(*store, std::move(split)));
  body.reset();
  ASSERT_TRUE(commit(*store, removing(first)));
  store.reset();
  store = open_for_test(files, kSizes);
  EXPECT_EQ(read_all(**store->body(second)), octets);
  ASSERT_TRUE(commit(*store, removing(second)));
  for (const auto& path : files.paths()) EXPECT_EQ(path.find("/big/"), std::string::npos) << path;
}

// What is common is written once and never read; what is large is on its way to the disk while it
// arrives, and is read once, in the pieces that are asked for.
TEST(SegmentLog, ReadsNothingOfMailThatComesAndGoes) {
  FaultyFileSystem files;
  LogTuning tuning = tuning_for_tests();
  tuning.compaction_age = std::chrono::hours{1};  // only what stays that long is read to be copied
  const auto store = *SegmentLog::open(options_for(kSizes), files, tuning);
  const std::uint64_t before = files.octets_read("");
  for (int i = 0; i < 100; ++i) {
    const MessageId id = store->new_id();
    ASSERT_TRUE(commit(*store, adding(id, std::string(1000, 'x'))));
    ASSERT_TRUE(commit(*store, {.add = {}, .update = {{id, "later"}}, .remove = {}}));
    ASSERT_TRUE(commit(*store, removing(id)));
  }
  EXPECT_EQ(files.octets_read(""), before);
  const MessageId id = store->new_id();
  auto writer = *store->new_body(id);
  const std::string path = "/spool/big/" + hex(id, 16) + ".eml";
  for (std::size_t piece = 1; piece <= 5; ++piece) {
    ASSERT_TRUE(writer->append(std::string(10'000, 'x')));
    EXPECT_EQ(files.contents(path).size(), piece * 10'000);
  }
  Transaction transaction;
  transaction.add.push_back({id, "envelope", "state", *writer->finish()});
  ASSERT_TRUE(commit(*store, std::move(transaction)));
  EXPECT_EQ(files.octets_read(""), before);
  EXPECT_EQ(read_all(**store->body(id)).size(), 50'000u);
  EXPECT_EQ(files.octets_read("/big/"), 50'000u);
}

TEST(SegmentLog, ALargeBodyKnowsItsSum) {
  FaultyFileSystem files;
  auto store = open_for_test(files, kSizes);
  const std::string octets(20'000, 'x');
  BodySum sum;
  sum.add(octets);
  const auto from_file = [&] {
    auto writer = *store->new_body(1);
    EXPECT_TRUE(writer->append(octets.substr(0, 7)) && writer->append(octets.substr(7)));
    return *writer->finish();
  };
  Transaction both;
  both.add.push_back({1, "one", "", from_file()});
  both.add.push_back({2, "two", "", make_memory_body(octets)});
  ASSERT_TRUE(commit(*store, std::move(both)));
  store.reset();
  store = open_for_test(files, kSizes);
  for (const MessageId id : {MessageId{1}, MessageId{2}}) {
    const auto body = *store->body(id);
    EXPECT_TRUE(body->confirm(sum));
    BodySum other = sum;
    ++other.crc;
    EXPECT_EQ(body->confirm(other).error().code, Errc::corrupt);
    EXPECT_TRUE(body->confirm(sum)) << "the file itself is well";
    EXPECT_EQ(files.contents("/spool/corrupt/" + id_text(id) + ".eml"), octets);
  }
  EXPECT_EQ(store->stats().damaged, 2u);
  ASSERT_EQ(store->stats().set_aside.size(), 2u);
  EXPECT_NE(store->stats().set_aside[0].why.find("other octets"), std::string::npos);
}

TEST(SegmentLog, ForgetsABodyThatNobodyCommitted) {
  FaultyFileSystem files;
  const auto store = open_for_test(files, kSizes);
  {
    auto writer = store->new_body(store->new_id());
    ASSERT_TRUE((*writer)->append("x"));
    auto unfinished = store->new_body(store->new_id());
    const auto body = (*writer)->finish();
  }
  for (const auto& path : files.paths()) EXPECT_EQ(path.find("/big/"), std::string::npos) << path;
}

TEST(SegmentLog, RefusesASecondDaemon) {
  FaultyFileSystem files;
  const auto store = open_for_test(files, kSizes);
  const auto before = everything(files);
  std::string why;
  EXPECT_FALSE(open_for_test(files, kSizes, &why));
  EXPECT_NE(why.find("pid"), std::string::npos) << why;
  EXPECT_EQ(everything(files), before);
}

TEST(SegmentLog, LeavesANewerFormatAlone) {
  FaultyFileSystem files;
  ASSERT_TRUE(commit(*open_for_test(files, kSizes), adding(1, "body")));
  files.damage("/spool/CHECKPOINT.0", 0, "postrider-queue 2\n");
  const auto before = everything(files);
  std::string why;
  EXPECT_FALSE(open_for_test(files, kSizes, &why));
  EXPECT_NE(why.find("newer"), std::string::npos) << why;
  EXPECT_EQ(everything(files), before);
}

// The octets of `text` in a segment of the log.
std::pair<std::string, std::size_t> locate(const FaultyFileSystem& files, std::string_view text) {
  for (const auto& path : files.paths()) {
    const auto at = files.contents(path).find(text);
    if (path.find("/log/") != std::string::npos && at != std::string::npos) return {path, at};
  }
  return {};
}

TEST(SegmentLog, SetsADamagedRecordAsideAndServesTheRest) {
  FaultyFileSystem files;
  auto store = open_for_test(files, kSizes);
  for (MessageId id = 1; id <= 3; ++id) {
    ASSERT_TRUE(commit(*store, adding(id, "this is body " + std::to_string(id))));
  }
  const auto image = files.image(Tail::everything, 0);  // no clean stop: the log is replayed
  const auto [path, at] = locate(*image, "this is body 2");
  image->damage(path, at, "T");
  const auto reopened = open_for_test(*image, kSizes);
  std::vector<MessageId> ids;
  const auto recovered = reopened->recover([&](const Stored& stored) { ids.push_back(stored.id); });
  EXPECT_EQ(ids, (std::vector<MessageId>{1, 3}));
  EXPECT_EQ(recovered->damaged, 1u);
  ASSERT_EQ(recovered->notes.size(), 1u);
  const auto paths = image->paths();
  const auto aside = std::ranges::find_if(
      paths, [](const auto& name) { return name.find("/corrupt/") != std::string::npos; });
  ASSERT_NE(aside, paths.end());
  EXPECT_NE(image->contents(*aside).find("This is body 2"), std::string::npos);
}

// What cannot be copied stays where it is, a large body too: it is tried again at the next start.
TEST(SegmentLog, KeepsALargeBodyThatCannotBeSetAside) {
  FaultyFileSystem files;
  auto store = open_for_test(files, kSizes);
  ASSERT_TRUE(commit(*store, adding(1, std::string(kSizes.large, 'x'))));
  store.reset();  // writes a checkpoint
  const auto [path, at] = locate(files, "envelope");
  files.damage(path, at, "E");
  const auto begin = [](FaultyFileSystem& image) {
    const auto reopened = open_for_test(image, kSizes);
    EXPECT_EQ(reopened->recover([](const Stored&) {})->damaged, 1u);
  };
  const auto sound = files.image(Tail::everything, 0);
  sound->record_calls();
  begin(*sound);
  const auto calls = sound->recorded();
  const auto link =
      std::ranges::find_if(calls, [](const auto& c) { return c.starts_with("link "); });
  ASSERT_NE(link, calls.end());

  const auto image = files.image(Tail::everything, 0);
  image->fail_call(static_cast<std::uint64_t>(link - calls.begin()) + 1, Fault::no_space);
  begin(*image);
  EXPECT_EQ(image->faults(), 1u);
  begin(*image);
  EXPECT_EQ(image->contents("/spool/corrupt/" + id_text(1) + ".eml").size(), kSizes.large);
}

// A segment that is gone leaves no hole, but a gap in the numbers of batches.
TEST(SegmentLog, NoticesBatchesThatAreMissing) {
  FaultyFileSystem files;
  const auto store = open_for_test(files, kSizes);
  std::unique_ptr<FaultyFileSystem> whole;
  std::unique_ptr<FaultyFileSystem> image;
  for (MessageId id = 1; id <= 40; ++id) {
    store->commit(adding(id, std::string(3000, 'x')), Durability::sync,
                  [&, id](const Result<void>&) {
                    if (id != 40) return;
                    whole = files.image(Tail::nothing, 0);
                    image = files.image(Tail::nothing, 0);
                  });
  }
  store->drive();
  ASSERT_TRUE(image);
  std::vector<std::string> segments;
  for (const auto& path : image->paths()) {
    if (image->contents(path).find("Q1 P ") != std::string::npos) segments.push_back(path);
  }
  ASSERT_GT(segments.size(), 3u);
  EXPECT_EQ(open_for_test(*whole, kSizes)->recover([](const Stored&) {})->damaged, 0u);
  ASSERT_TRUE(image->remove(segments[1]));
  const auto reopened = open_for_test(*image, kSizes);
  const auto recovered = reopened->recover([](const Stored&) {});
  EXPECT_EQ(recovered->damaged, 1u);
  ASSERT_EQ(recovered->notes.size(), 1u);
  EXPECT_NE(recovered->notes[0].find("of the log are missing"), std::string::npos);
  EXPECT_GT(recovered->messages, 20u);
}

TEST(SegmentLog, MovesASegmentWithoutItsNameAside) {
  FaultyFileSystem files;
  const auto store = open_for_test(files, kSizes);
  ASSERT_TRUE(commit(*store, adding(1, "this is body 1")));
  const auto image = files.image(Tail::everything, 0);
  const std::string path = locate(*image, "this is body 1").first;
  image->damage(path, 0, std::string(kBlock, '\0'));
  const auto reopened = open_for_test(*image, kSizes);
  const auto recovered = reopened->recover([](const Stored&) {});
  EXPECT_EQ(recovered->damaged, 1u);
  EXPECT_NE(image->contents("/spool/corrupt/" + path.substr(11)).find("this is body 1"),
            std::string::npos);
}

TEST(SegmentLog, FindsDamageThatCameAfterTheCheckpoint) {
  FaultyFileSystem files;
  auto store = open_for_test(files, kSizes);
  for (MessageId id = 1; id <= 3; ++id) {
    ASSERT_TRUE(commit(*store, adding(id, "this is body " + std::to_string(id))));
  }
  store.reset();  // writes a checkpoint
  const auto [path, at] = locate(files, "this is body 2");
  files.damage(path, at, "T");                                           // the body of 2
  files.damage(path, locate(files, "this is body 3").second - 10, "#");  // a text of 3
  store = open_for_test(files, kSizes);
  std::vector<MessageId> ids;
  const auto recovered = store->recover([&](const Stored& stored) { ids.push_back(stored.id); });
  EXPECT_EQ(ids, (std::vector<MessageId>{1, 2}));
  EXPECT_EQ(recovered->damaged, 1u);
  EXPECT_EQ(store->body(2).error().code, Errc::corrupt);
  EXPECT_TRUE(store->body(1));
}

// The last record of all, after a clean stop: what it said was acknowledged, so neither does an
// older state count again nor comes a message back.
TEST(SegmentLog, KeepsWhatTheCheckpointSaysOverADamagedLastRecord) {
  FaultyFileSystem files;
  auto store = open_for_test(files, kSizes);
  for (MessageId id = 1; id <= 2; ++id) ASSERT_TRUE(commit(*store, adding(id, "body")));
  Transaction last{.add = {}, .update = {{1, "a later state"}}, .remove = {{2}}};
  ASSERT_TRUE(commit(*store, std::move(last)));
  store.reset();  // writes a checkpoint
  const auto [path, at] = locate(files, "a later state");
  files.damage(path, at, "A");
  store = open_for_test(files, kSizes);
  std::vector<Stored> found;
  const auto recovered = store->recover([&](Stored one) { found.push_back(std::move(one)); });
  EXPECT_EQ(recovered->torn, 0u);
  EXPECT_EQ(recovered->damaged, 1u);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, 1u);
  EXPECT_EQ(found[0].state, "");
}

// The same for what is replayed, also where it was one step with other things: whoever serves the
// state before it delivers again what was delivered.
TEST(SegmentLog, HoldsWhatADamagedStepChanged) {
  FaultyFileSystem files;
  const auto store = open_for_test(files, kSizes);
  for (MessageId id = 1; id <= 2; ++id) ASSERT_TRUE(commit(*store, adding(id, "body")));
  Transaction step = adding(3, "this is the report");
  step.update.push_back({1, "a later state"});
  ASSERT_TRUE(commit(*store, std::move(step)));
  ASSERT_TRUE(commit(*store, adding(4, "body")));
  const auto image = files.image(Tail::everything, 0);  // no clean stop: the log is replayed
  const auto [path, at] = locate(*image, "this is the report");
  image->damage(path, at, "T");
  const auto reopened = open_for_test(*image, kSizes);
  std::map<MessageId, std::string> states;
  const auto recovered =
      reopened->recover([&](const Stored& stored) { states[stored.id] = stored.state; });
  const std::map<MessageId, std::string> expected{{1, ""}, {2, "state"}, {4, "state"}};
  EXPECT_EQ(states, expected);
  EXPECT_EQ(recovered->damaged, 2u);  // the step and the state
}

// Who reads the log again would find the damage, though nobody needs what it hit.
TEST(SegmentLog, ReplaysNothingAfterAClose) {
  FaultyFileSystem files;
  auto store = open_for_test(files, kSizes);
  ASSERT_TRUE(commit(*store, adding(1, "this is body 1")));
  ASSERT_TRUE(commit(*store, adding(2, "this is body 2")));
  ASSERT_TRUE(commit(*store, removing(2)));
  store.reset();
  const auto [path, at] = locate(files, "this is body 2");
  files.damage(path, at, "T");
  const auto was_prepared = [](const std::string& name) { return name.ends_with(".spare"); };
  EXPECT_GE(std::ranges::count_if(files.paths(), was_prepared), 2);
  store = open_for_test(files, kSizes);
  const auto recovered = store->recover([](const Stored& stored) { EXPECT_EQ(stored.id, 1u); });
  EXPECT_EQ(recovered->messages, 1u);
  EXPECT_EQ(recovered->damaged, 0u);
  EXPECT_TRUE(commit(*store, adding(3, "this is body 3")));
}

TEST(SegmentLog, FallsBackToTheFormerCheckpoint) {
  for (const std::string newest : {"/spool/CHECKPOINT.0", "/spool/CHECKPOINT.1"}) {
    FaultyFileSystem files;
    Script script(5, {.steps = 150});
    {
      const auto store = open_for_test(files, kSizes);
      script.run(*store);
    }
    files.damage(newest, 30, "damage");
    EXPECT_EQ(script.check(files), "") << newest;
  }
}

TEST(SegmentLog, ReadsTheWholeLogIfNoCheckpointIsLeft) {
  FaultyFileSystem files;
  ASSERT_TRUE(commit(*open_for_test(files, kSizes), adding(1, "body")));
  files.damage("/spool/CHECKPOINT.0", 30, "damage");
  files.damage("/spool/CHECKPOINT.1", 30, "damage");
  const auto store = open_for_test(files, kSizes);
  ASSERT_TRUE(store);
  const auto recovered = store->recover([](const Stored&) {});
  EXPECT_EQ(recovered->messages, 1u);
  EXPECT_FALSE(recovered->notes.empty());
  EXPECT_EQ((*store->body(1))->memory(), "body");
}

TEST(SegmentLog, RecordsCompletionsOnAFullDiskAndRecovers) {
  FaultyFileSystem files;
  files.limit_space(600 << 10);
  const auto store = open_for_test(files, kSizes);
  std::vector<MessageId> ids;
  Result<void> added;
  while (ids.size() < 1000) {
    const MessageId id = store->new_id();
    added = commit(*store, adding(id, std::string(4000, 'x')));
    if (!added) break;
    ids.push_back(id);
  }
  ASSERT_GT(ids.size(), 50u);
  ASSERT_EQ(added.error().code, Errc::no_space) << added.error().detail;
  EXPECT_FALSE(store->admits(1));
  EXPECT_FALSE(store->stats().accepting);
  EXPECT_NE(store->stats().trouble, "");
  for (const MessageId id : ids) ASSERT_TRUE(commit(*store, removing(id)));
  store->drive();
  store->drive();
  EXPECT_TRUE(store->stats().accepting) << store->stats().trouble;
  EXPECT_EQ(store->stats().trouble, "");
  EXPECT_TRUE(commit(*store, adding(store->new_id(), "body")));
}

TEST(SegmentLog, AnswersAfterCloseThatItIsClosed) {
  FaultyFileSystem files;
  const auto store = open_for_test(files, kSizes);
  bool answered = false;
  store->commit(adding(1, "body"), Durability::lazy,
                [&](Result<void> result) { answered = result.has_value(); });
  store->close();
  store->close();
  EXPECT_TRUE(answered);
  EXPECT_EQ(commit(*store, adding(2, "body")).error().code, Errc::closing);
}

// Many loops, one writer, readers beside it; on the real file system. Meant for the thread
// sanitizer as well.
TEST(SegmentLog, ServesManyThreadsOnRealFiles) {
  std::string folder = (std::filesystem::temp_directory_path() / "storeXXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  LogOptions options;
  options.folder = folder + "/spool";
  options.segment_size = 256 << 10;
  options.minimum_free = 0;
  constexpr int kThreads = 4;
  constexpr int kEach = 150;
  std::atomic<int> kept{0};
  {
    auto store = open_log_store(options);
    ASSERT_TRUE(store) << store.error().detail;
    ASSERT_TRUE((*store)->recover([](const Stored&) {}));
    EXPECT_TRUE((*store)->admits(1000));
    EXPECT_FALSE(open_log_store(options));
    const auto work = [&](int thread) {
      for (int i = 0; i < kEach; ++i) {
        const MessageId id = (*store)->new_id();
        const std::string octets(static_cast<std::size_t>(i * 40), static_cast<char>('a' + thread));
        std::promise<bool> answer;
        (*store)->commit(adding(id, octets), Durability::sync,
                         [&](const Result<void>& result) { answer.set_value(result.has_value()); });
        ASSERT_TRUE(answer.get_future().get());
        EXPECT_EQ(read_all(**(*store)->body(id)), octets);
        if (i % 10 == 0) {
          ++kept;
        } else {
          (*store)->commit(removing(id), Durability::lazy, [](const Result<void>&) {});
        }
      }
    };
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) threads.emplace_back(work, thread);
    for (auto& thread : threads) thread.join();
    (*store)->close();
    EXPECT_GT((*store)->stats().commits, 1000u);
    EXPECT_LT((*store)->stats().flushes, (*store)->stats().commits);
  }
  auto store = open_log_store(options);
  ASSERT_TRUE(store) << store.error().detail;
  // The queue is read while mail comes in.
  std::thread sender([&] {
    for (int i = 0; i < kEach; ++i) {
      std::promise<bool> answer;
      (*store)->commit(adding((*store)->new_id(), "body"), Durability::sync,
                       [&](const Result<void>& result) { answer.set_value(result.has_value()); });
      ASSERT_TRUE(answer.get_future().get());
    }
  });
  const auto recovered = (*store)->recover([](const Stored&) {});
  sender.join();
  EXPECT_EQ(recovered->messages, static_cast<unsigned>(kept));
  store->reset();
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace postrider::store::testing
