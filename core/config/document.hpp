// SPDX-License-Identifier: MIT
// Reads a TOML file into a tree of values that know their places; the only user of toml++.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include <postrider/setting_value.hpp>

#include "config/diagnostic.hpp"

namespace postrider::config {

/// Parses TOML text; `file` is only named in the diagnostic. Entries keep the order of the file.
/// The error is the first mistake of grammar, with its place.
std::expected<SettingTable, Diagnostic> parse_document(std::string_view text,
                                                       const std::string& file);

/// Reads and parses a file. An unreadable file gives a diagnostic at line 0 with errno's text.
std::expected<SettingTable, Diagnostic> read_document(const std::string& file);

}  // namespace postrider::config
