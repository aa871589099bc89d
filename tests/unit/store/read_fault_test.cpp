// SPDX-License-Identifier: MIT
// A disk that does not read for a moment: nothing is lost, nothing is taken for damaged, and what
// failed is right when it is asked for again.
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "script.hpp"

namespace postrider::store::testing {
namespace {

constexpr Sizes kSizes{.steps = 120, .segment = 24 << 10, .large = 6 << 10};

/// A spool after a life, stopped or not, and what must be in it.
class ReadFaults : public ::testing::TestWithParam<bool> {
 protected:
  ReadFaults() {
    FaultyFileSystem files;
    auto store = open_for_test(files, kSizes);
    script_.run(*store);
    if (GetParam()) store->close();
    left_ = files.image(Tail::everything, 1);
  }

  std::unique_ptr<FaultyFileSystem> spool() const { return left_->image(Tail::everything, 1); }

  static bool nothing_is_set_aside(const FaultyFileSystem& files) {
    return std::ranges::none_of(files.paths(), [](const std::string& path) {
      return path.find("/corrupt/") != std::string::npos;
    });
  }

  struct Start {
    std::uint64_t reads = 0, messages = 0;
  };
  Start whole_start() const {
    const auto files = spool();
    const auto store = open_for_test(*files, kSizes);
    const auto recovered = store->recover([](const Stored&) {});
    return {files->reads(), recovered ? recovered->messages : 0};
  }

  Script script_{5, kSizes};
  std::unique_ptr<FaultyFileSystem> left_;
};

// Either the start is refused, and the next one finds all; or a message is left out, named, and
// there at the next start. Neither changes what is on the disk for the worse.
TEST_P(ReadFaults, EachReadOfAStartFailsOnce) {
  const auto [reads, messages] = whole_start();
  unsigned refused = 0, left_out = 0, unharmed = 0;
  for (std::uint64_t read = 1; read <= reads; ++read) {
    const auto files = spool();
    files->fail_reads(read, read);
    {
      const auto store = open_for_test(*files, kSizes);
      if (store) {
        std::uint64_t found = 0;
        const auto recovered = store->recover([&](const Stored&) { ++found; });
        ASSERT_TRUE(recovered) << read;
        EXPECT_EQ(recovered->damaged, 0U) << read << ": " << recovered->notes.front();
        const bool all = found == messages;
        ++(all ? unharmed : left_out);
        if (!all) EXPECT_NE(recovered->notes.front().find("cannot be read now"), std::string::npos);
      } else {
        ++refused;
      }
    }
    EXPECT_EQ(files->faults(), 1U);
    EXPECT_TRUE(nothing_is_set_aside(*files)) << read;
    EXPECT_EQ(script_.check(*files), "") << read;
  }
  fmt::print("{} reads of a start: {} refuse it, {} leave a message for the next, {} do no harm\n",
             reads, refused, left_out, unharmed);
  EXPECT_GT(refused, 3U);
  EXPECT_GT(left_out, 0U);
}

TEST_P(ReadFaults, NoReadWorksAtAStart) {
  const auto files = spool();
  files->fail_reads(1, ~0ULL);
  std::string why;
  EXPECT_FALSE(open_for_test(*files, kSizes, &why));
  EXPECT_NE(why.find("pread"), std::string::npos) << why;
  files->fail_reads(1, 0);
  EXPECT_TRUE(nothing_is_set_aside(*files));
  EXPECT_EQ(script_.check(*files), "");
}

// Whoever looks sees what can be read; a daemon would not start.
TEST_P(ReadFaults, BodiesAndTextsAreThereWhenAskedForAgain) {
  const auto files = spool();
  const auto store = open_for_test(*files, kSizes);
  std::vector<MessageId> ids;
  ASSERT_TRUE(store->recover([&](const Stored& stored) { ids.push_back(stored.id); }));
  ASSERT_GT(ids.size(), 10U);
  for (const MessageId id : ids) {
    files->fail_reads(1, ~0ULL);
    const auto text = store->load(id);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().code, Errc::io);
    const auto body = store->body(id);
    ASSERT_FALSE(body);
    EXPECT_EQ(body.error().code, Errc::io);
    files->fail_reads(1, 0);
    EXPECT_TRUE(store->load(id));
    EXPECT_TRUE(store->body(id));
  }
  EXPECT_EQ(store->stats().damaged, 0U);
  EXPECT_EQ(script_.check(*store), "");
}

// While it serves: what is copied by compaction stays where it is.
TEST(ReadFault, EachReadOfALifeFailsOnce) {
  std::uint64_t reads = 0;
  {
    FaultyFileSystem files;
    const auto store = open_for_test(files, kSizes);
    Script script(5, kSizes);
    script.run(*store);
    reads = files.reads();
  }
  ASSERT_GT(reads, 20U);
  for (std::uint64_t read = 1; read <= reads; ++read) {
    FaultyFileSystem files;
    Script script(5, kSizes);
    {
      const auto store = open_for_test(files, kSizes);
      files.fail_reads(read, read);
      script.run(*store);
      EXPECT_EQ(script.failures(), 0U);
      EXPECT_EQ(store->stats().damaged, 0U);
      EXPECT_EQ(script.check(*store, true), "") << read;
    }
    EXPECT_EQ(script.check(files), "") << read;
  }
  fmt::print("{} reads of a life\n", reads);
}

std::string name_of(const ::testing::TestParamInfo<bool>& info) {
  return info.param ? "AfterAStop" : "AfterACrash";
}
INSTANTIATE_TEST_SUITE_P(Spools, ReadFaults, ::testing::Bool(), name_of);

}  // namespace
}  // namespace postrider::store::testing
