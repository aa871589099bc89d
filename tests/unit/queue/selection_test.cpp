// SPDX-License-Identifier: MIT
// Filters, counts, and walks in slices over a queue that changes meanwhile.
#include "queue/selection.hpp"

#include "queue/walk.hpp"
#include "queue_world.hpp"

namespace postrider::queue {
namespace {

using Selecting = QueueWorld;

TEST(Patterns, FitWithStars) {
  EXPECT_TRUE(fits("", "anything"));
  EXPECT_TRUE(fits("*", ""));
  EXPECT_TRUE(fits("*@Example.ORG", "a@example.org"));
  EXPECT_TRUE(fits("a*b*c", "axxbyybzc"));
  EXPECT_FALSE(fits("a*b*c", "axxbyybz"));
  EXPECT_FALSE(fits("a", "ab"));
  EXPECT_FALSE(fits("ab", "a"));
}

TEST(Patterns, OccurAnywhere) {
  EXPECT_TRUE(occurs("", ""));
  EXPECT_TRUE(occurs("connection", "the Connection was refused"));
  EXPECT_TRUE(occurs("conn*refused", "the connection was refused"));
  EXPECT_FALSE(occurs("refused", "the connection was ref"));
}

TEST_F(Selecting, EveryFilterAloneAndTogether) {
  answer = [](const Delivery& d) {
    return d.destination.name == "down.example" ? no_connection(d) : greylisted(d);
  };
  submit({"a@down.example"});
  world->run_for(2h);
  Submission large = submission({"b@grey.example"}, "you@home.example");
  large.body = store::make_memory_body(std::string(5000, 'x') + "\r\n");
  ASSERT_TRUE(world->finish(queue().submit(std::move(large))));
  world->run_for(1ms);
  const auto first = [this](auto change) {
    Selection s;
    change(s);
    const auto views = queue().list(s);
    return views.size() == 1 ? views[0].recipients[0].address : std::to_string(views.size());
  };
  const WallTime hour_ago = world->wall_now() - 1h;
  EXPECT_EQ(first([](Selection& s) { s.reason = "refused"; }), "a@down.example");
  EXPECT_EQ(first([](Selection& s) { s.reason = "grey*ed"; }), "b@grey.example");
  EXPECT_EQ(first([](Selection& s) { s.attempts = 2; }), "a@down.example");
  EXPECT_EQ(first([](Selection& s) { s.larger_than = 5001; }), "b@grey.example");
  EXPECT_EQ(first([](Selection& s) { s.larger_than = 5002; }), "0");
  EXPECT_EQ(first([&](Selection& s) { s.arrived_before = hour_ago; }), "a@down.example");
  EXPECT_EQ(first([&](Selection& s) { s.arrived_after = hour_ago; }), "b@grey.example");
  EXPECT_EQ(first([](Selection& s) { s.sender = "you@*"; }), "b@grey.example");
  EXPECT_EQ(first([](Selection& s) { s.sender = "you@*", s.reason = "refused"; }), "0");
  EXPECT_EQ(first([](Selection& s) { s.sender = "<>"; }), "0") << "no null reverse-path";
  Selection s;
  EXPECT_TRUE(s.is_everything());
  s.reason = "refused";
  EXPECT_FALSE(s.is_everything());
  EXPECT_EQ(queue().hold(s), 1U);
  EXPECT_EQ(queue().counts().held, 1U);
}

TEST_F(Selecting, CountsByDestinationStateAndAge) {
  answer = greylisted;
  submit({"a@x.example", "b@x.example", "c@y.example"});
  world->run_for(30min);
  submit({"d@x.example"}, "");
  submit({"e@y.example"});
  Selection held;
  held.recipient = "e@*";
  ASSERT_EQ(queue().hold(held), 1U);
  TallyTable table;
  queue().tally({}, TallyKey::destination, table);
  EXPECT_EQ(table.messages, 3U);
  EXPECT_EQ(table.octets, 60U);
  EXPECT_EQ(table.all.recipients(), 5U);
  EXPECT_EQ(table.all.delayed, 4U);
  EXPECT_EQ(table.all.held, 1U);
  ASSERT_EQ(table.by.size(), 2U);
  EXPECT_EQ(table.by.at("x.example").delayed, 3U);
  EXPECT_EQ(table.by.at("y.example").held, 1U);
  EXPECT_EQ(table.by.at("x.example").ages[0], 1U);  // up to 5 minutes
  EXPECT_EQ(table.by.at("x.example").ages[3], 2U);  // 20 to 40
  EXPECT_EQ(table.by.at("x.example").oldest, table.all.oldest);
  TallyTable senders;
  store->texts_read = 0;
  queue().tally({}, TallyKey::sender_domain, senders);
  EXPECT_EQ(store->texts_read, 3) << "each message once, however many recipients it has";
  EXPECT_EQ(senders.by.at("<>").recipients(), 1U);
  EXPECT_EQ(senders.by.at("home.example").recipients(), 4U);
  TallyTable some;
  queue().tally(held, TallyKey::recipient_domain, some);
  EXPECT_EQ(some.messages, 1U);
  EXPECT_EQ(some.by.at("y.example").recipients(), 1U);
  some += table;
  EXPECT_EQ(some.by.at("y.example").recipients(), 3U);
}

TEST_F(Selecting, AWalkCoversAllThatWasThereAndNothingThatCame) {
  answer = greylisted;
  for (int i = 0; i < 1000; ++i) submit({"a@x.example"});
  std::size_t slices = 0, held = 0;
  auto walking = walk(world->loop(), queue(), {}, [&](const Selection& slice) {
    ++slices;
    EXPECT_LE(queue().list(slice).size(), 200U);
    submit({"late@x.example"});
    held += queue().hold(slice);
    return true;
  });
  ASSERT_TRUE(world->finish(std::move(walking)));
  EXPECT_GE(slices, 5U);
  EXPECT_EQ(held, 1000U);
  EXPECT_EQ(queue().counts().held, 1000U);
  EXPECT_EQ(queue().counts().messages, 1000U + slices);
}

TEST_F(Selecting, AWalkEndsWhenItIsToldTo) {
  answer = greylisted;
  for (int i = 0; i < 1000; ++i) submit({"a@x.example"});
  std::size_t slices = 0;
  ASSERT_TRUE(world->finish(
      walk(world->loop(), queue(), {}, [&](const Selection&) { return ++slices < 2; })));
  EXPECT_EQ(slices, 2U);
}

TEST_F(Selecting, AWalkWaitsForTheDisk) {
  answer = greylisted;
  for (int i = 0; i < 1000; ++i) submit({"a@x.example"});
  store->paused = true;
  auto walking = walk(world->loop(), queue(), {},
                      [&](const Selection& slice) { return queue().hold(slice) > 0; });
  EXPECT_FALSE(walking.start({}));
  world->run_for(10s);
  EXPECT_LT(queue().counts().held, 600U);
  store->paused = false;
  store->flush();
  world->run_for(10s);
  EXPECT_EQ(queue().counts().held, 1000U);
}

TEST_F(Selecting, AWalkToOneMessage) {
  answer = greylisted;
  const std::string id = submit({"a@x.example"});
  submit({"b@x.example"});
  std::size_t shown = 0;
  const auto look = [&](const Selection& slice) {
    shown += queue().list(slice).size();
    return true;
  };
  ASSERT_TRUE(world->finish(walk(world->loop(), queue(), by_id(id), look)));
  EXPECT_EQ(shown, 1U);
  ASSERT_TRUE(world->finish(walk(world->loop(), queue(), by_id("nonsense"), look)));
  EXPECT_EQ(shown, 1U);
}

}  // namespace
}  // namespace postrider::queue
