// SPDX-License-Identifier: MIT
// A piece of the configuration as it was written: values in their order, each with its place in the
// file. The core fills it from TOML; schemas (schema.hpp) turn it into a struct of settings.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace postrider {

/// A place in the file, both counted from 1; 0 means unknown.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  friend constexpr auto operator<=>(const Place&, const Place&) = default;
};

struct SettingEntry;
struct SettingValue;
using SettingArray = std::vector<SettingValue>;

/// A table: its entries in the order of the file. `place` is where the table begins.
struct SettingTable {
  std::vector<SettingEntry> entries;
  Place place;

  /// The value of `key`, or null. The pointer lives as long as this table is unchanged.
  const SettingValue* find(std::string_view key) const;
};

/// One value and where it stands.
struct SettingValue {
  std::variant<bool, std::int64_t, double, std::string, SettingArray, SettingTable> data;
  Place place;

  /// What a person would call this value in a message: `text "abc"`, `integer 5`, `boolean`,
  /// `table`.
  std::string describe() const;
};

/// A key of a table, where the key stands, and its value.
struct SettingEntry {
  std::string key;
  Place place;
  SettingValue value;
};

/// One mistake: where, which key (with the tables around it, as in "smtp.max_line"), and a message
/// that says what is wrong and, after a semicolon, what would be right.
struct Problem {
  Place place;
  std::string key;
  std::string message;
};

}  // namespace postrider
