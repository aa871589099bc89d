// SPDX-License-Identifier: MIT
// Loading: the good library, and each kind of bad one with a message that names it.
#include "plugin/loader.hpp"

#include <fstream>

#include "unit/plugin/bench.hpp"

namespace postrider::plugin {
namespace {

class LoaderTest : public PluginTest {
 protected:
  static std::string refusal(const std::string& use) {
    const auto entry = load(use, kModules);
    return entry ? "loaded" : entry.error();
  }
  static void expect_refusal(const std::string& use, std::string_view file, std::string_view why) {
    const std::string text = refusal(use);
    EXPECT_NE(text.find(file), text.npos) << text;
    EXPECT_NE(text.find(why), text.npos) << text;
    EXPECT_EQ(text.find('\n'), text.npos) << text;
  }
};

TEST_F(LoaderTest, LoadsByNameAndByPathOnce) {
  const auto by_name = load("conduct", kModules);
  const auto by_path = load(kModules[0] + "/../modules/conduct.so", {});
  ASSERT_TRUE(by_name && by_path);
  EXPECT_EQ(*by_name, *by_path);
  EXPECT_STREQ((*by_name)->name, "conduct");
}

TEST_F(LoaderTest, SaysWhereItLooked) {
  expect_refusal("nowhere", "nowhere.so", kModules[0]);
  expect_refusal("/no/such/file.so", "/no/such/file.so", "there is no plugin library");
  expect_refusal("../conduct", "../conduct", "there is no plugin library");
  expect_refusal("con duct", "con duct", "is no name of a plugin");
}

TEST_F(LoaderTest, RefusesWhatDoesNotMatch) {
  expect_refusal("wrong_magic", "wrong_magic.so", "wrong magic");
  expect_refusal("wrong_size", "wrong_size.so", "8 octets");
  expect_refusal("wrong_sdk", "wrong_sdk.so", "SDK 999, this daemon has SDK 1");
  expect_refusal("wrong_tag", "wrong_tag.so", "GCC 2.95");
  expect_refusal("wrong_tag", "wrong_tag.so", kBuildTag);
  expect_refusal("no_functions", "no_functions.so", "incomplete entry");
  expect_refusal("no_entry", "no_entry.so", "exports no postrider_plugin_entry");
}

TEST_F(LoaderTest, RefusesWhatCannotBeMapped) {
  expect_refusal("undefined_symbol", "undefined_symbol.so", "postrider_nobody_has_this");
  const std::string file = folder_ + "/text.so";
  std::ofstream(file) << "This is no library at all, but it is long enough to look like one.\n";
  expect_refusal(file, file, "invalid ELF header");
  const std::string empty = folder_ + "/empty.so";
  std::ofstream(empty).flush();
  expect_refusal(empty, empty, "file too short");
}

}  // namespace
}  // namespace postrider::plugin
