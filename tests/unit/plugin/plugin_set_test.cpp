// SPDX-License-Identifier: MIT
// Preparing, making, starting, showing and destroying the plugins of a loop.
#include "unit/plugin/bench.hpp"

namespace postrider::plugin {
namespace {

using PluginSetTest = PluginTest;

TEST_F(PluginSetTest, AllMistakesAreToldAtOnce) {
  Block missing;
  missing.use = "nowhere";
  missing.place = {3, 1};
  Block wrong = conduct("pass", "wrong");
  wrong.settings.entries.push_back({"hwo", {9, 1}, {true, {9, 7}}});
  wrong.settings.entries[1].value.data = std::int64_t{1000};
  Block off;
  off.use = "also-nowhere";
  off.enabled = false;
  const std::vector<Block> blocks{missing, wrong, off, conduct("pass", "twin"),
                                  conduct("pass", "twin")};
  const auto prepared = prepare_plugins(blocks, kModules);
  ASSERT_FALSE(prepared.has_value());
  std::string all;
  for (const Problem& problem : prepared.error())
    all += problem.key + ": " + problem.message + "\n";
  EXPECT_EQ(prepared.error().size(), 4U) << all;
  EXPECT_NE(all.find("there is no plugin nowhere"), all.npos) << all;
  EXPECT_NE(all.find("plugin.wrong.hwo"), all.npos) << all;
  EXPECT_NE(all.find("plugin.wrong.steps"), all.npos) << all;
  EXPECT_NE(all.find("two plugins have the id \"twin\""), all.npos) << all;
}

TEST_F(PluginSetTest, AConstructorThatThrowsIsAnError) {
  const std::vector<Block> blocks{conduct("pass", "good"), conduct("no-construction", "bad")};
  const auto set = make_plugins(prepare_plugins(blocks, kModules).value(), parts());
  ASSERT_FALSE(set.has_value());
  EXPECT_EQ(set.error(), std::vector<std::string>{"plugin bad cannot be constructed: told not to"});
}

TEST_F(PluginSetTest, StartNamesWhoDoesNot) {
  EXPECT_TRUE(run(make({conduct("pass")})->start()).has_value());
  const auto result = run(make({conduct("pass", "a"), conduct("no-start", "b")})->start());
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error(), std::vector<std::string>{"plugin b does not start: told not to"});
}

TEST_F(PluginSetTest, OnePluginTwiceIsTwoPlugins) {
  const auto set = make({conduct("pass", "one"), conduct("reject", "two"), conduct("pass", "")});
  const auto view = set->view();
  ASSERT_EQ(view.size(), 3U);
  EXPECT_EQ(view[0].id, "one");
  EXPECT_EQ(view[1].id, "two");
  EXPECT_EQ(view[2].id, "conduct");
  EXPECT_EQ(view[1].name, "conduct");
  EXPECT_EQ(view[1].hooks[0].kind, HookKind::connect);
  EXPECT_EQ(view[1].hooks[0].order, 2U);
  EXPECT_EQ(view[1].settings[0], (std::pair<std::string, std::string>{"how", "\"reject\""}));
  connect(*set);
  EXPECT_EQ(set->view()[1].hooks[0].counter.calls, 1U);
  EXPECT_EQ(set->view()[1].hooks[0].counter.refusals, 1U);
  EXPECT_EQ(set->view()[2].hooks[0].counter.calls, 0U);
}

TEST_F(PluginSetTest, ObserversAndCommandsReachTheirPlugin) {
  const auto set = make({conduct("pass", "one"), conduct("pass", "two")});
  EXPECT_TRUE(set->has_observers());
  set->observe(ProtocolEvent{});
  const std::vector<std::string_view> words{"two"};
  EXPECT_EQ(set->command(words), "1");
  const std::vector<std::string_view> nobody{"three"};
  EXPECT_FALSE(set->command(nobody));
  const auto bad = make({conduct("throw", "one")});
  EXPECT_NE(bad->command(words)->find("error"), std::string::npos);
}

TEST_F(PluginSetTest, SpawnedTasksEndBeforeTheirPlugin) {
  auto set = make({conduct("spawn")});
  runtime_.loop.advance(3s);
  const std::vector<std::string_view> words{"conduct"};
  EXPECT_EQ(set->command(words), "3");
  set.reset();
  EXPECT_EQ(runtime_.loop.timers(), 0U);
  EXPECT_NE(log_text().find("event=\"conduct ends\" plugin=conduct"), std::string::npos);
}

TEST_F(PluginSetTest, DrainsAll) {
  const auto set = make({conduct("pass"), conduct("pass", "b")});
  run(set->drain());
  set->reopen();
}

}  // namespace
}  // namespace postrider::plugin
