// SPDX-License-Identifier: MIT
#include "runtime/ready_list.hpp"

#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace postrider::runtime {
namespace {

/// co_await it to go to the end of the list.
struct Yield {
  explicit Yield(ReadyList& on) : list(on) {}
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> handle) noexcept {
    node.set_handle(handle);
    list.add(node);
  }
  void await_resume() const noexcept {}
  ReadyList& list;
  ReadyNode node;
};

Task<void> say(ReadyList& list, std::vector<int>& said, int what, int times) {
  for (int n = 0; n < times; ++n) {
    Yield yield(list);
    co_await yield;
    said.push_back(what);
  }
}

TEST(ReadyList, ResumesInOrderAndInRounds) {
  ReadyList list;
  std::vector<int> said;
  auto first = say(list, said, 1, 2), second = say(list, said, 2, 2);
  first.start();
  second.start();
  EXPECT_TRUE(list.drain());
  EXPECT_EQ(said, (std::vector<int>{1, 2, 1, 2}));
  EXPECT_TRUE(first.is_done());
}

TEST(ReadyList, LetsOthersInAfterSomeRounds) {
  ReadyList list;
  std::vector<int> said;
  auto endless = say(list, said, 1, 1'000'000);
  endless.start();
  EXPECT_FALSE(list.drain(10));
  EXPECT_EQ(said.size(), 10U);
  EXPECT_FALSE(list.is_empty());
}

Task<void> drop(ReadyList& list, Task<void>& other) {
  Yield yield(list);
  co_await yield;
  other.reset();
}

TEST(ReadyList, ATaskDroppedWhileItsTurnIsNearIsNotResumed) {
  ReadyList list;
  std::vector<int> said;
  auto victim = say(list, said, 1, 1), last = say(list, said, 2, 1);
  auto killer = drop(list, victim);
  killer.start();
  victim.start();
  last.start();
  EXPECT_TRUE(list.drain());
  EXPECT_EQ(said, std::vector<int>{2});
}

TEST(ReadyList, OneAtATime) {
  ReadyList list;
  std::vector<int> said;
  auto task = say(list, said, 1, 2);
  task.start();
  EXPECT_TRUE(list.resume_one());
  EXPECT_TRUE(list.resume_one());
  EXPECT_FALSE(list.resume_one());
}

TEST(ReadyList, ADeadListLeavesItsNodesUnlinked) {
  std::optional<ReadyList> list(std::in_place);
  std::vector<int> said;
  auto task = say(*list, said, 1, 1);
  task.start();
  list.reset();
  task.reset();
  EXPECT_TRUE(said.empty());
}

}  // namespace
}  // namespace postrider::runtime
