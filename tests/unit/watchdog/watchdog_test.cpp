// SPDX-License-Identifier: MIT
// Loops that stand still, a disk that is silent, an end that does not come: in virtual time.
#include "watchdog/watchdog.hpp"

#include <filesystem>

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <postrider/testing/fake_host.hpp>

#include "runtime/sim/sim_world.hpp"

namespace postrider::watchdog {
namespace {

struct WatchdogTest : ::testing::Test {
  WatchdogTest() {
    other = &world.add_loop();
    dog.watch("0", world.loop(), [this] { return disk_wait; });
    dog.watch("1", *other);
  }
  /// A second passes; the loops turn or they do not.
  void second(bool turn = true) {
    now += 1s;
    dog.look(now);
    if (turn) world.run_for(1s);
  }
  void seconds(int count, bool turn = true) {
    for (int i = 0; i < count; ++i) second(turn);
  }

  postrider::testing::FakeLog log;
  std::vector<std::string> ends;
  Duration disk_wait{};
  Watchdog dog{log, Limits{.stall = 20s}, [this](const std::string& why) { ends.push_back(why); }};
  runtime::SimWorld world;
  runtime::Runtime* other = nullptr;
  TimePoint now{};
};

TEST_F(WatchdogTest, LoopsThatTurnAreNotNamed) {
  seconds(100);
  EXPECT_TRUE(dog.standing().empty());
  EXPECT_TRUE(log.lines.empty());
  EXPECT_TRUE(ends.empty());
}

TEST_F(WatchdogTest, ALoopThatStandsIsNamedOnceWithItsHookAndAgainWhenItTurns) {
  second();
  {
    const runtime::InHook here(runtime::lasting_name("greylist/rcpt"));
    seconds(3, false);
    EXPECT_TRUE(dog.standing().empty()) << "not yet";
    seconds(2, false);
    const auto standing = dog.standing();
    ASSERT_EQ(standing.size(), 2U);
    EXPECT_EQ(standing[1].loop, "1");
    EXPECT_EQ(standing[1].in, "greylist/rcpt");
    EXPECT_EQ(standing[1].since, 4s);
    EXPECT_TRUE(dog.is_standing("0"));
    ASSERT_EQ(log.lines.size(), 2U);
    EXPECT_EQ(log.lines[0], "error a loop stands still loop=0 for=3000ms in=greylist/rcpt");
  }
  world.run_for(1s);
  second();
  EXPECT_TRUE(dog.standing().empty());
  EXPECT_FALSE(dog.is_standing("0"));
  ASSERT_EQ(log.lines.size(), 4U);
  EXPECT_EQ(log.lines[3], "warning a loop turns again loop=1 stood_for=4000ms");
  EXPECT_TRUE(ends.empty());
}

TEST_F(WatchdogTest, ALoopThatStandsTooLongEndsTheProcess) {
  second();
  seconds(20, false);
  EXPECT_TRUE(ends.empty());
  second(false);
  ASSERT_FALSE(ends.empty());
  EXPECT_EQ(ends[0], "loop 0 stands still for 20000ms in no plugin");
}

TEST_F(WatchdogTest, APlaceIsTheLibraryOfTheCoroutineOutsideOfHooks) {
  runtime::Place place;
  EXPECT_EQ(runtime::place_text(place), "");
  place.code = reinterpret_cast<const void*>(&std::fopen);
  Dl_info where{};  // under a sanitizer it is the program's own
  ASSERT_NE(::dladdr(place.code, &where), 0);
  EXPECT_EQ(runtime::place_text(place), std::filesystem::path(where.dli_fname).filename());
  place.hook = "x/connect";
  EXPECT_EQ(runtime::place_text(place), "x/connect");
}

TEST_F(WatchdogTest, WhileTheProcessIsStoppedNobodyIsBlamed) {
  second();
  seconds(2, false);
  now += 1h;  // SIGSTOP, SIGCONT: the loops had no chance either
  second(false);
  EXPECT_TRUE(dog.standing().empty());
  EXPECT_TRUE(ends.empty());
  ASSERT_EQ(log.lines.size(), 1U);
  EXPECT_EQ(log.lines[0], "warning the process did not run for=3600000ms");
  world.run_for(1s);
  seconds(10);
  EXPECT_EQ(log.lines.size(), 1U);
}

TEST_F(WatchdogTest, ASilentDiskIsNamedOnceAndShown) {
  seconds(2);
  disk_wait = 9s;
  seconds(2);
  EXPECT_FALSE(dog.silent_disk());
  disk_wait = 12s;
  seconds(3);
  EXPECT_EQ(dog.silent_disk(), 12s);
  ASSERT_EQ(log.lines.size(), 1U);
  EXPECT_EQ(log.lines[0], "error the disk of server.spool does not answer for=12000ms");
  disk_wait = {};
  seconds(2);
  EXPECT_FALSE(dog.silent_disk());
  ASSERT_EQ(log.lines.size(), 2U);
  EXPECT_EQ(log.lines[1], "warning the disk of server.spool answers again");
  EXPECT_TRUE(ends.empty()) << "a restart would not heal the disk";
}

TEST_F(WatchdogTest, AnEndThatDoesNotComeIsMade) {
  second();
  dog.end_within(10s);
  seconds(3);
  dog.end_within(30s);  // later than what was said before: that stays
  seconds(6);
  EXPECT_TRUE(ends.empty());
  seconds(5);
  ASSERT_EQ(ends.size(), 1U);
  EXPECT_EQ(ends[0], "the end takes too long");
}

TEST_F(WatchdogTest, ItsThreadLooksAndStops) {
  dog.start();
  dog.stop();
  dog.stop();
}

}  // namespace
}  // namespace postrider::watchdog
