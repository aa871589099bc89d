// SPDX-License-Identifier: MIT
#include <cstring>
#include <stdexcept>

#include <dlfcn.h>

#include <postrider/testing/plugin_library.hpp>

namespace postrider::testing {
namespace {

const PluginEntry* load(const std::string& file) {
  void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) throw std::runtime_error(::dlerror());
  const auto* entry = static_cast<const PluginEntry*>(::dlsym(library, "postrider_plugin_entry"));
  if (!entry || entry->magic != kEntryMagic || std::strcmp(entry->build_tag, kBuildTag) != 0)
    throw std::runtime_error(file + " is no plugin of this build");
  return entry;
}

Plugin* construct(const PluginEntry& entry, FakeHost& host, const SettingTable& settings) {
  const SchemaBase& schema = entry.schema();
  const std::shared_ptr<void> decoded = schema.new_settings();
  std::string problems;
  for (const Problem& problem : schema.decode(settings, decoded.get()))
    problems += problem.key + ": " + problem.message + "\n";
  if (!problems.empty()) throw std::runtime_error(problems);
  return entry.create(host, decoded.get());
}

}  // namespace

SettingTable table(std::initializer_list<std::pair<std::string_view, Value>> entries) {
  SettingTable result;
  for (const auto& [key, value] : entries)
    result.entries.push_back({std::string(key), {}, {value, {}}});
  return result;
}

SettingArray list(std::initializer_list<Value> values) {
  SettingArray result;
  for (const Value& value : values) result.push_back({value, {}});
  return result;
}

PluginLibrary::PluginLibrary(const std::string& file, FakeHost& host, const SettingTable& settings)
    : entry_(load(file)), plugin_(construct(*entry_, host, settings), entry_->destroy) {
  entry_->hooks(plugin_.get(), hooks_);
}

}  // namespace postrider::testing
