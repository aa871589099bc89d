// SPDX-License-Identifier: MIT
// What the schemas say, for people: the default file, the reference page, and one key explained.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/schema.hpp>

namespace postrider::config {

/// A plugin whose keys are described along with the core's. Borrowed for the call.
struct PluginReference {
  std::string name;
  std::string description;
  const SchemaBase* schema;
};

/// etc/postrider.toml: every key with its help, range and default, commented out.
std::string default_toml(const std::vector<PluginReference>& plugins = {});
/// docs/configuration.md: the same as tables.
std::string reference_markdown(const std::vector<PluginReference>& plugins = {});
/// Type, default, range and help of a key ("smtp.max_line", "plugin.use", "greylist.delay") or of
/// the keys of a table or plugin. The error names the nearest key that there is.
std::expected<std::string, std::string> explain(std::string_view key,
                                                const std::vector<PluginReference>& plugins = {});

}  // namespace postrider::config
