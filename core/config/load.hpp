// SPDX-License-Identifier: MIT
// From a file to settings, with every mistake of the file in one run.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"
#include "config/settings.hpp"

namespace postrider::config {

/// Settings and what is wrong with their file. With any diagnostic the daemon must not start:
/// keys with a mistake hold their defaults.
struct Loaded {
  Settings settings;
  std::vector<Diagnostic> diagnostics;  ///< in the order of the file
  bool ok() const { return diagnostics.empty(); }
};

/// Reads the file. The keys of plugins stay in Plugin::own: check them with decode_plugin().
Loaded load(const std::string& file);
/// The same for text at hand; `file` is only named in diagnostics.
Loaded load_text(std::string_view text, const std::string& file);

/// Decodes the own keys of plugin `id` into `settings`, a struct of the type of `schema`
/// (schema.new_settings()). The problems have the keys "plugin.ID.KEY".
std::vector<Problem> decode_plugin(const SettingTable& own, const std::string& id,
                                   const SchemaBase& schema, void* settings);

/// The keys that every plugin has and that no plugin's schema may declare: those found in `schema`.
std::vector<std::string> reserved_keys_in(const SchemaBase& schema);

}  // namespace postrider::config
