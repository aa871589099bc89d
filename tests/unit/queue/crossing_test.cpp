// SPDX-License-Identifier: MIT
// Words that cross between loops: the operator's to the loop of a destination, and at the same time
// the outcome of an attempt from there. Whatever comes first, nobody is sent or told anything
// twice.
#include "queue_world.hpp"

namespace postrider::queue {
namespace {

struct CrossingTest : QueueWorld {
  CrossingTest() : QueueWorld(2) {
    chains->hooked = chains->reporting = true;
    manual = true;
    // The message's owner is the loop of its first destination: not the one where it is tried.
    id = submit({"waits@" + name_on(0), "u@" + name_on(1)});
    owner().hold(to("waits*"));
    world->run_for(1s);
  }
  std::string name_on(unsigned loop) const {
    for (char c = 'a';; ++c) {
      const std::string name = std::string(1, c) + ".example";
      if (loop_of(domain(name), 2) == loop) return name;
    }
  }
  LoopQueue& owner() { return queue(0); }
  std::optional<Delivery> take() { return queue(1).take(domain(name_on(1))); }
  /// Its outcome is on its way to the owner, which has not heard of it yet.
  void finish(Delivery delivery, const Answer& with) {
    DeliveryResult result = with(delivery);
    queue(1).finish(std::move(delivery), std::move(result));
  }
  static Selection to(const std::string& recipient) {
    Selection selection;
    selection.recipient = recipient;
    return selection;
  }
  std::string heard() const {
    std::string text;
    for (const RecipientOutcome& o : chains->seen)
      text += o.recipient.path.text() + " " + o.outcome.status.text() + ", ";
    return text;
  }
  std::string id;
};

TEST_F(CrossingTest, RetryOfWhatWasJustDeliveredSendsNothingTwice) {
  finish(take().value(), delivered);
  owner().retry(to("u@*"));
  world->run_for(50ms);
  EXPECT_FALSE(take()) << "delivered, and its owner was about to hear of it";
  world->run_for(1s);
  EXPECT_FALSE(take());
}

TEST_F(CrossingTest, RetryOfWhatWasJustDelayedIsHeard) {
  finish(take().value(), greylisted);
  owner().retry(to("u@*"));
  world->run_for(50ms);
  EXPECT_TRUE(take());
}

TEST_F(CrossingTest, ReleaseOfWhatWasJustDeliveredSendsNothingTwice) {
  Delivery delivery = take().value();
  owner().hold(to("u@*"));
  world->run_for(1s);
  finish(std::move(delivery), delivered);
  EXPECT_EQ(owner().release(to("u@*")), 1U);
  world->run_for(50ms);
  EXPECT_FALSE(take());
  world->run_for(1s);
  EXPECT_FALSE(take());
}

TEST_F(CrossingTest, ReleaseOfWhatWasJustDelayedIsHeard) {
  Delivery delivery = take().value();
  owner().hold(to("u@*"));
  world->run_for(1s);
  finish(std::move(delivery), greylisted);
  EXPECT_EQ(owner().release(to("u@*")), 1U);
  world->run_for(1s);
  EXPECT_TRUE(take());
}

TEST_F(CrossingTest, BounceOfWhatWasJustDeliveredTellsNobody) {
  finish(take().value(), delivered);
  owner().bounce(to("u@*"), "");
  world->run_for(1s);
  EXPECT_EQ(heard(), "u@" + name_on(1) + " 2.0.0, ");
}

TEST_F(CrossingTest, BounceOfWhatJustFailedIsToldOnce) {
  finish(take().value(), unknown_user);
  owner().bounce(to("u@*"), "");
  world->run_for(1s);
  EXPECT_EQ(heard(), "u@" + name_on(1) + " 5.1.1, ");
}

TEST_F(CrossingTest, BounceOfWhatWasJustGivenUpIsToldOnce) {
  world->run_for(5 * 24h - 1min);
  Delivery delivery = take().value();
  world->run_for(2min);
  finish(std::move(delivery), [](const Delivery&) { return DeliveryResult{{}, false, true}; });
  owner().bounce(to("u@*"), "");
  world->run_for(1s);
  EXPECT_EQ(heard(), "u@" + name_on(1) + " 5.4.7, ");
}

TEST_F(CrossingTest, RetryDuringABounceStartsNoAttempt) {
  owner().bounce(to("u@*"), "");
  owner().retry(to("u@*"));
  world->run_for(1s);
  EXPECT_EQ(heard(), "u@" + name_on(1) + " 5.0.0, ");
  EXPECT_FALSE(take()) << "its sender was told that it failed";
}

TEST_F(CrossingTest, ReleaseDuringABounceStartsNoAttempt) {
  owner().hold(to("u@*"));
  world->run_for(1s);
  owner().bounce(to("u@*"), "");
  owner().release(to("u@*"));
  world->run_for(1s);
  EXPECT_EQ(heard(), "u@" + name_on(1) + " 5.0.0, ");
  EXPECT_FALSE(take()) << "its sender was told that it failed";
}

}  // namespace
}  // namespace postrider::queue
