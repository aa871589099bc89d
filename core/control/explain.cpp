// SPDX-License-Identifier: MIT
#include "control/explain.hpp"

#include <algorithm>
#include <filesystem>

#include "config/load.hpp"
#include "config/reference.hpp"
#include "plugin/loader.hpp"

namespace postrider::control {
namespace {

namespace fs = std::filesystem;

/// The usual file may be absent or broken: then the defaults tell where plugins are.
std::expected<config::Settings, std::string> settings_in(const std::string& file) {
  config::Loaded loaded = config::load(file);
  if (!loaded.settings.server.plugin_path.empty()) return std::move(loaded.settings);
  if (file != Explaining().file) return std::unexpected(loaded.diagnostics.front().text());
  return config::load_text("", file).settings;
}

bool is_core(const std::string& key) {
  return key == "plugin" || Schema<config::Settings>().find(key) != nullptr;
}

/// The names of the libraries in the plugin folders and of the blocks in the file.
std::vector<std::string> plugins_of(const config::Settings& settings) {
  std::vector<std::string> names;
  std::error_code error;
  for (const std::string& folder : settings.server.plugin_path)
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, error))
      if (entry.path().extension() == ".so") names.push_back(entry.path().stem());
  for (const config::Plugin& block : settings.plugin) names.push_back(block.id);
  std::ranges::sort(names);
  const auto repeated = std::ranges::unique(names);
  names.erase(repeated.begin(), repeated.end());
  return names;
}

}  // namespace

std::expected<std::string, std::string> explain(const Explaining& explaining) {
  const auto settings = settings_in(explaining.file);
  if (!settings) return std::unexpected(settings.error());
  std::string key = explaining.key;
  std::string name = key.substr(0, key.find('.'));
  // As in the complaints about a file: "plugin.ndr.delay_notice".
  if (name == "plugin" && key != "plugin" && !config::explain(key)) {
    key.erase(0, name.size() + 1);
    name = key.substr(0, key.find('.'));
  }
  if (is_core(name)) return config::explain(key);

  const std::vector<std::string> known = plugins_of(*settings);
  std::vector<config::PluginReference> references;
  if (std::ranges::find(known, name) == known.end()) {
    static const Schema<config::Plugin> nothing;
    for (const std::string& one : known) references.push_back({one, "", &nothing});
    auto explained = config::explain(key, references);
    if (!explained && known.empty())
      return std::unexpected(explained.error() + "; there is no plugin in " +
                             settings->server.plugin_path.front() +
                             ": --config FILE says where they are");
    return explained;
  }
  const auto block = std::ranges::find(settings->plugin, name, &config::Plugin::id);
  const std::string use = block == settings->plugin.end() ? name : block->use;
  const auto entry = plugin::load(use, settings->server.plugin_path);
  if (!entry) return std::unexpected(entry.error());
  references.push_back({name, (*entry)->description, &(*entry)->schema()});
  return config::explain(key, references);
}

}  // namespace postrider::control
