// SPDX-License-Identifier: MIT
// A plugin's library loaded into a test, with a FakeHost around it: the test sees what the daemon
// would load. Settings go through the plugin's own schema.
#pragma once

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <postrider/plugin.hpp>
#include <postrider/testing/fake_host.hpp>

namespace postrider::testing {

using Value = decltype(SettingValue::data);
/// table({{"timeout", "2s"}, {"max_names", 3}, {"skip", list({"10.0.0.0/8"})}})
SettingTable table(std::initializer_list<std::pair<std::string_view, Value>> entries);
SettingArray list(std::initializer_list<Value> values);

class PluginLibrary {
 public:
  /// Loads `file` and constructs the plugin. Throws std::runtime_error with the loader's reason or
  /// with the problems of the settings, "key: message" a line.
  PluginLibrary(const std::string& file, FakeHost& host, const SettingTable& settings = {});
  const PluginEntry& entry() const noexcept { return *entry_; }
  const HookTable& hooks() const noexcept { return hooks_; }

 private:
  const PluginEntry* entry_;
  std::unique_ptr<Plugin, void (*)(Plugin*) noexcept> plugin_;
  HookTable hooks_;
};

}  // namespace postrider::testing
