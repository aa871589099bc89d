// SPDX-License-Identifier: MIT
// From [[plugin]] blocks to libraries and settings, with every mistake told; and the view of both.
#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "config/load.hpp"
#include "plugin/loader.hpp"
#include "plugin/plugin_set.hpp"

namespace postrider::plugin {
namespace {

std::string value_text(const SettingValue& value);

struct ValuePrinter {
  std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  std::string operator()(std::int64_t number) const { return std::to_string(number); }
  std::string operator()(double number) const { return setting::print_number(number); }
  std::string operator()(const std::string& text) const { return setting::quoted(text); }
  std::string operator()(const SettingArray& array) const {
    std::string text;
    for (const SettingValue& value : array) text += (text.empty() ? "" : ", ") + value_text(value);
    return "[" + text + "]";
  }
  std::string operator()(const SettingTable& table) const {
    std::string text;
    for (const SettingEntry& entry : table.entries)
      text += (text.empty() ? " " : ", ") + setting::quoted(entry.key) + " = " +
              value_text(entry.value);
    return text.empty() ? "{}" : "{" + text + " }";
  }
};

std::string value_text(const SettingValue& value) {
  return std::visit(ValuePrinter(), value.data);
}

std::vector<std::pair<std::string, std::string>> settings_view(const Instance& instance) {
  std::vector<std::pair<std::string, std::string>> settings;
  for (const Field& field : instance.entry().schema().fields()) {
    const SettingValue* written = instance.block().settings.find(field.key);
    settings.emplace_back(field.key, written ? value_text(*written) : field.default_text);
  }
  return settings;
}

/// Loads and decodes one block; adds to `problems` what is wrong.
void prepare_one(Block block, std::span<const std::string> search_path, PreparedPlugins& prepared,
                 std::vector<Problem>& problems) {
  const auto entry = load(block.use, search_path);
  if (!entry) {
    problems.push_back({block.place, "plugin.use", entry.error()});
    return;
  }
  if (block.id.empty()) block.id = (*entry)->name;
  const std::string path = "plugin." + block.id;
  for (const PreparedPlugin& other : prepared)
    if (other.block.id == block.id)
      problems.push_back({block.place, path,
                          fmt::format("two plugins have the id \"{}\"; give "
                                      "one of them another",
                                      block.id)});
  const SchemaBase& schema = (*entry)->schema();
  std::shared_ptr<void> settings = schema.new_settings();
  for (const std::string& key : config::reserved_keys_in(schema))
    problems.push_back({block.place, path,
                        fmt::format("the plugin declares \"{}\", a key that every block has; it "
                                    "must choose another",
                                    key)});
  for (Problem& problem : config::decode_plugin(block.settings, block.id, schema, settings.get()))
    problems.push_back(std::move(problem));
  prepared.push_back({std::move(block), *entry, std::move(settings)});
}

}  // namespace

std::expected<PreparedPlugins, std::vector<Problem>> prepare_plugins(
    std::span<const Block> blocks, std::span<const std::string> search_path) {
  PreparedPlugins prepared;
  std::vector<Problem> problems;
  for (const Block& block : blocks)
    if (block.enabled) prepare_one(block, search_path, prepared, problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return prepared;
}

std::vector<PluginView> PluginSet::view() const {
  std::vector<PluginView> views;
  std::map<HookKind, unsigned> order;
  for (const auto& instance : instances_) {
    PluginView view{instance->id(),
                    instance->entry().name,
                    instance->entry().description,
                    instance->block().mode,
                    instance->is_bypassed(loop_.now()),
                    {},
                    settings_view(*instance)};
    for (std::size_t i = 0; i < kHookKinds; ++i) {
      const auto kind = static_cast<HookKind>(i);
      if (instance->has(kind)) view.hooks.push_back({kind, ++order[kind], instance->counter(kind)});
    }
    views.push_back(std::move(view));
  }
  return views;
}

}  // namespace postrider::plugin
