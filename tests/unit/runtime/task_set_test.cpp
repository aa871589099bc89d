// SPDX-License-Identifier: MIT
#include "runtime/task_set.hpp"

#include <optional>
#include <stdexcept>

#include <gtest/gtest.h>

#include "runtime/sim/sim_world.hpp"

namespace postrider::runtime {
namespace {

struct Counted {
  explicit Counted(int& alive) : alive_(&alive) { ++*alive_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  ~Counted() { --*alive_; }
  int* alive_;
};

Task<void> linger(Loop& loop, int& alive, Duration length) {
  const Counted counted(alive);
  co_await sleep_for(loop, length);
}

Task<void> nest(Loop& loop, TaskSet& set, int& alive, int depth) {
  const Counted counted(alive);
  if (depth > 0) set.spawn(nest(loop, set, alive, depth - 1));
  co_await sleep_for(loop, 1ms);
  if (depth > 0) set.spawn(linger(loop, alive, 5ms));
}

Task<void> fail(Loop& loop, bool at_once) {
  if (!at_once) co_await sleep_for(loop, 1ms);
  throw std::runtime_error("a fault of ours");
}

class TaskSetTest : public testing::Test {
 protected:
  SimWorld world;
  Loop& loop = world.loop();
  std::optional<TaskSet> set{std::in_place, world.loop()};
  int alive = 0;
};

TEST_F(TaskSetTest, DroppingItCancelsAThousandTasks) {
  for (int n = 0; n < 1000; ++n) set->spawn(linger(loop, alive, std::chrono::milliseconds(n)));
  EXPECT_EQ(set->size(), 1000U);
  world.run_for(499ms);
  EXPECT_EQ(alive, 500);
  EXPECT_EQ(set->size(), 500U);
  set.reset();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(world.run_until_idle());
}

TEST_F(TaskSetTest, SpawnedTasksSpawn) {
  set->spawn(nest(loop, *set, alive, 10));
  EXPECT_EQ(alive, 11);
  EXPECT_TRUE(world.finish(set->join()));
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(set->is_empty());
}

TEST_F(TaskSetTest, JoinWaitsForTheLast) {
  EXPECT_TRUE(world.finish(set->join())) << "an empty set";
  set->spawn(linger(loop, alive, 30ms));
  set->spawn(linger(loop, alive, 20ms));
  const TimePoint start = world.now();
  EXPECT_TRUE(world.finish(set->join()));
  EXPECT_EQ(world.now() - start, 30ms);
}

TEST_F(TaskSetTest, CancelAllAnswersJoin) {
  set->spawn(linger(loop, alive, 30ms));
  auto join = set->join();
  join.start();
  set->cancel_all();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(world.finish(std::move(join)));
  EXPECT_EQ(world.now(), TimePoint());
}

TEST_F(TaskSetTest, JoinOutlivesTheSetAndTheOtherWayRound) {
  set->spawn(linger(loop, alive, 30ms));
  {
    auto dropped = set->join();
    dropped.start();
  }
  auto join = set->join();
  join.start();
  set.reset();
  EXPECT_TRUE(world.finish(std::move(join)));
}

TEST_F(TaskSetTest, ATaskThatNeverWaitsLeavesNothing) {
  set->spawn(Task<void>());
  EXPECT_TRUE(set->is_empty());
}

TEST_F(TaskSetTest, ExceptionsGoToTheHandler) {
  int seen = 0;
  set->on_exception([&seen](std::exception_ptr error) {
    EXPECT_THROW(std::rethrow_exception(error), std::runtime_error);
    ++seen;
  });
  set->spawn(fail(loop, true));
  set->spawn(fail(loop, false));
  EXPECT_TRUE(world.finish(set->join()));
  EXPECT_EQ(seen, 2);
}

TEST(TaskSetDeathTest, WithoutAHandlerAnExceptionIsTheEnd) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        SimWorld world;
        TaskSet set(world.loop());
        set.spawn(fail(world.loop(), true));
      },
      "");
}

}  // namespace
}  // namespace postrider::runtime
