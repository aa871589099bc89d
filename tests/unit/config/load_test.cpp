// SPDX-License-Identifier: MIT
// Files become settings: defaults, plugin blocks in order, unreadable files, plugins' own keys.
#include "config/load.hpp"

#include <gtest/gtest.h>

#include "config/document.hpp"

namespace postrider::config {
namespace {

struct Greylist {
  Duration delay = 5min;
  std::string path;
  static void describe(Schema<Greylist>& schema) {
    schema.field("delay", &Greylist::delay, "Defer younger ones").between(1s, 24h);
    schema.field("path", &Greylist::path, "Folder").required();
  }
};

struct Greedy {
  Duration hook_timeout = 5s;
  Duration timeout = 5s;
  static void describe(Schema<Greedy>& schema) {
    schema.field("hook_timeout", &Greedy::hook_timeout, "Not its own");
    schema.field("timeout", &Greedy::timeout, "Its own");
  }
};

TEST(Load, AnEmptyFileGivesTheDefaults) {
  const Loaded loaded = load_text("", "x.toml");
  ASSERT_TRUE(loaded.ok());
  const Settings& settings = loaded.settings;
  EXPECT_FALSE(settings.hostname.empty());
  EXPECT_EQ(settings.server.loops, Loops{});
  EXPECT_EQ(settings.server.plugin_path.size(), 1u);
  ASSERT_EQ(settings.listen.size(), 1u);
  EXPECT_EQ(settings.listen[0].address, "[::]:25");
  EXPECT_EQ(settings.smtp.max_message_size, 50_MiB);
  EXPECT_TRUE(settings.relay.networks.empty());
  EXPECT_EQ(settings.queue.retry.back(), 4h);
  EXPECT_TRUE(settings.plugin.empty());
}

TEST(Load, ReadsEveryKindOfValue) {
  const Loaded loaded = load_text(
      "hostname = 'mx.example.org'\n[server]\nloops = 2\nstore = 'memory'\n"
      "[[listen]]\naddress = '127.0.0.1:2525'\n[[listen]]\naddress = '[::1]:24'\nprotocol = "
      "'lmtp'\n"
      "[relay]\nnetworks = ['127.0.0.0/8', '::1/128']\n[queue]\nretry = ['1s', '1m30s']\n"
      "memory = '1GiB'\n",
      "x.toml");
  ASSERT_TRUE(loaded.ok()) << loaded.diagnostics[0].text();
  EXPECT_EQ(loaded.settings.hostname, "mx.example.org");
  EXPECT_EQ(loaded.settings.server.loops, Loops{2});
  EXPECT_EQ(loaded.settings.server.store, StoreKind::memory);
  ASSERT_EQ(loaded.settings.listen.size(), 2u);
  EXPECT_EQ(loaded.settings.listen[1].protocol, Protocol::lmtp);
  EXPECT_EQ(loaded.settings.relay.networks.size(), 2u);
  EXPECT_EQ(loaded.settings.queue.retry, (std::vector<Duration>{1s, 90s}));
  EXPECT_EQ(loaded.settings.queue.memory, 1_GiB);
}

TEST(Load, KeepsPluginBlocksInOrderAndNamesRepeats) {
  const Loaded loaded = load_text(
      "[[plugin]]\nuse = 'zeta'\nz = 1\na = 2\n[[plugin]]\nuse = 'alpha'\nenabled = false\n"
      "[[plugin]]\nuse = 'zeta'\nhook_timeout = '2s'\nmode = 'shadow'\non_error = 'pass'\n",
      "x.toml");
  ASSERT_TRUE(loaded.ok());
  const auto& plugins = loaded.settings.plugin;
  ASSERT_EQ(plugins.size(), 3u);
  EXPECT_EQ(plugins[0].id, "zeta");
  ASSERT_EQ(plugins[0].own.entries.size(), 2u);
  EXPECT_EQ(plugins[0].own.entries[0].key, "z");
  EXPECT_EQ(plugins[0].own.entries[1].place, (Place{4, 1}));
  EXPECT_FALSE(plugins[1].enabled);
  EXPECT_EQ(plugins[2].id, "zeta#2");
  EXPECT_EQ(plugins[2].hook_timeout, 2s);
  EXPECT_EQ(plugins[2].mode, PluginMode::shadow);
  EXPECT_EQ(plugins[2].on_error, FailurePolicy::pass);
}

TEST(Load, AMissingFileSaysWhy) {
  const Loaded loaded = load("/nonexistent/x.toml");
  ASSERT_EQ(loaded.diagnostics.size(), 1u);
  EXPECT_EQ(loaded.diagnostics[0].text(),
            "/nonexistent/x.toml: cannot be read: No such file or directory");
  EXPECT_EQ(load("/").diagnostics[0].text(), "/: cannot be read: Is a directory");
}

TEST(DecodePlugin, SaysAllMistakesAndKnowsTheKeysOfEveryPlugin) {
  const Loaded loaded =
      load_text("[[plugin]]\nuse = 'greylist'\ndelay = '2d'\nhook_timout = '1s'\ndelai = 1\n", "x");
  ASSERT_TRUE(loaded.ok());
  Greylist settings;
  std::vector<std::string> texts;
  const Plugin& block = loaded.settings.plugin[0];
  for (const Problem& one : decode_plugin(block.own, block.id, Schema<Greylist>(), &settings))
    texts.push_back(Diagnostic{"x", one}.text());
  const std::vector<std::string> expected{
      "x:3:9: plugin.greylist.delay: 2d is out of range; allowed is 1s to 1d",
      "x:4:1: plugin.greylist.hook_timout: unknown key; did you mean \"hook_timeout\"?",
      "x:5:1: plugin.greylist.delai: unknown key; did you mean \"delay\"?",
      "x:1:1: plugin.greylist.path: is missing; path must be set (Folder)"};
  EXPECT_EQ(texts, expected);
}

TEST(DecodePlugin, FillsTheStruct) {
  const Loaded loaded = load_text("[[plugin]]\nuse = 'g'\ndelay = '1m'\npath = '/tmp'\n", "x");
  const Schema<Greylist> schema;
  const auto settings = schema.new_settings();
  EXPECT_TRUE(decode_plugin(loaded.settings.plugin.at(0).own, "g", schema, settings.get()).empty());
  EXPECT_EQ(static_cast<Greylist*>(settings.get())->delay, 1min);
}

TEST(ReservedKeys, AreFoundInASchema) {
  EXPECT_EQ(reserved_keys_in(Schema<Greedy>()), std::vector<std::string>{"hook_timeout"});
  EXPECT_TRUE(reserved_keys_in(Schema<Greylist>()).empty());
}

TEST(Document, KeepsTheOrderOfTheFile) {
  const auto table = parse_document("z = 1\na = [1, 2.5, true]\n[m]\nk = 'v'\n[b]\n", "x");
  ASSERT_TRUE(table);
  std::string keys;
  for (const SettingEntry& entry : table->entries) keys += entry.key;
  EXPECT_EQ(keys, "zamb");
  EXPECT_EQ(table->find("a")->place, (Place{2, 5}));
  EXPECT_EQ(table->find("nothing"), nullptr);
}

}  // namespace
}  // namespace postrider::config
