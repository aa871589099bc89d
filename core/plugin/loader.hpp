// SPDX-License-Identifier: MIT
// Finds and loads plugin libraries. The only user of Boost.DLL. A library stays mapped until the
// process ends (unloading code that has run is not safe), and the same file is loaded once.
#pragma once

#include <expected>
#include <span>
#include <string>

#include <postrider/plugin.hpp>

namespace postrider::plugin {

/// [any thread] The entry of plugin `use`: NAME is NAME.so in the first folder of `search_path`
/// that has it; a text with '/' is a path. Magic, size, SDK number and build tag are compared
/// before anything in the library is called (its static constructors apart). The entry lives as
/// long as the process. The error is one sentence that names the file.
std::expected<const PluginEntry*, std::string> load(const std::string& use,
                                                    std::span<const std::string> search_path);

}  // namespace postrider::plugin
