// SPDX-License-Identifier: MIT
// The generated files in the tree are those that the schema gives; with POSTRIDER_REGENERATE=1 in
// the environment this test writes them.
#include "config/reference.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.hpp"

namespace postrider::config {
namespace {

using testing::HasSubstr;

const std::filesystem::path kRoot = std::filesystem::path(__FILE__).parent_path() / "../../..";

void expect_file(const char* name, const std::string& wanted) {
  if (std::getenv("POSTRIDER_REGENERATE") != nullptr) std::ofstream(kRoot / name) << wanted;
  std::stringstream found;
  found << std::ifstream(kRoot / name).rdbuf();
  EXPECT_EQ(found.str(), wanted) << name << ": run POSTRIDER_REGENERATE=1 config_test";
}

struct Stamp {
  std::string name;
  int count = 3;
  static void describe(Schema<Stamp>& schema) {
    schema.field("name", &Stamp::name, "Field name").required();
    schema.field("count", &Stamp::count, "How many").between(1, 9);
  }
};

// The file with the # in front of each "#key" and "#[[table]]" taken away.
std::string uncommented(const std::string& text) {
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line); result += line + '\n')
    if (line.starts_with('#') && !line.starts_with("# ")) line.erase(0, 1);
  return result;
}

TEST(Reference, TheDefaultFileInTheTreeIsCurrent) {
  expect_file("etc/postrider.toml", default_toml());
}

TEST(Reference, ThePageInTheTreeIsCurrent) {
  expect_file("docs/configuration.md", reference_markdown());
}

TEST(Reference, TheDefaultFileIsValidAsItIs) {
  const Loaded loaded = load_text(default_toml(), "x");
  EXPECT_TRUE(loaded.ok()) << loaded.diagnostics[0].text();
}

TEST(Reference, EveryDefaultIsValidWhenWritten) {
  const Loaded loaded = load_text(uncommented(default_toml()), "x");
  ASSERT_EQ(loaded.diagnostics.size(), 2u);  // what has no default
  EXPECT_THAT(loaded.diagnostics[0].text(), HasSubstr("destination.match: is empty"));
  EXPECT_THAT(loaded.diagnostics[1].text(), HasSubstr("plugin.use: is empty"));
  EXPECT_EQ(loaded.settings.smtp.max_header_size, 1_MiB);
}

TEST(Reference, TakesPluginsIn) {
  const Schema<Stamp> schema;
  const std::vector<PluginReference> plugins{{"stamp", "Stamps every message", &schema}};
  EXPECT_THAT(default_toml(plugins),
              HasSubstr("# Stamps every message\n#[[plugin]]\n#use = \"stamp\"\n# Field name; "
                        "required\n#name = \"\"\n# How many (1 to 9)\n#count = 3\n"));
  EXPECT_THAT(reference_markdown(plugins),
              HasSubstr("| `name` | text | *required* |  | Field name |\n"
                        "| `count` | integer | `3` | 1 to 9 | How many |\n"));
  EXPECT_EQ(explain("stamp.count", plugins),
            "stamp.count: How many\n  type:    integer\n  default: 3\n  allowed: 1 to 9\n");
}

TEST(Explain, KnowsKeysTablesAndNothingElse) {
  EXPECT_EQ(explain("queue.give_up"),
            "queue.give_up: Age at which undelivered mail is returned\n  type:    duration\n"
            "  default: \"5d\"\n  allowed: 1m to 30d\n");
  EXPECT_THAT(explain("log").value_or(""), HasSubstr("log.level: The least important"));
  EXPECT_THAT(explain("plugin.use").value_or(""), HasSubstr("default: required"));
}

TEST(Explain, NamesTheNearestKeyWhenThereIsNone) {
  const Schema<Stamp> schema;
  const std::vector<PluginReference> plugins{{"stamp", "Stamps every message", &schema}};
  const auto error = [&](std::string_view key) { return explain(key, plugins).error(); };
  EXPECT_EQ(error("smtp.max_lin"),
            "there is no key \"smtp.max_lin\" in smtp; did you mean \"max_line\"?");
  EXPECT_EQ(error("stamp.cont"),
            "there is no key \"stamp.cont\" in stamp; did you mean \"count\"?");
  EXPECT_EQ(error("plugin.mod"),
            "there is no key \"plugin.mod\" in plugin; did you mean \"mode\"?");
  EXPECT_EQ(error("stmp.count"), "there is no key \"stmp.count\"; did you mean \"smtp\"?");
  EXPECT_THAT(error("zzz"), HasSubstr("known here: hostname, server, log,"));
  EXPECT_THAT(error("zzz"), HasSubstr(", deliver, destination, stamp, plugin"));
  EXPECT_THAT(error(""), HasSubstr("there is no key \"\""));
  EXPECT_THAT(error("log."), HasSubstr("known here: level, file"));
}

}  // namespace
}  // namespace postrider::config
