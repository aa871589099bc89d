// SPDX-License-Identifier: MIT
// TOML through toml++. Its tables iterate alphabetically, so entries are put back into the order of
// the file by the places of their keys. (The build defines TOML_HEADER_ONLY=0.)
#include "config/document.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace postrider::config {
namespace {

Place place_of(const toml::source_region& region) {
  return {static_cast<std::uint32_t>(region.begin.line),
          static_cast<std::uint32_t>(region.begin.column)};
}

SettingTable convert_table(const toml::table& table);

SettingArray convert_array(const toml::array& array);

// The first date or time below `node`, or null: no setting is one.
const toml::node* find_date(const toml::node& node) {
  const toml::node* found = nullptr;
  if (const auto* table = node.as_table())
    for (const auto& [key, inner] : *table) found = found != nullptr ? found : find_date(inner);
  if (const auto* array = node.as_array())
    for (const toml::node& inner : *array) found = found != nullptr ? found : find_date(inner);
  return node.is_date() || node.is_time() || node.is_date_time() ? &node : found;
}

SettingValue convert(const toml::node& node) {
  SettingValue value;
  value.place = place_of(node.source());
  if (const auto* table = node.as_table())
    value.data = convert_table(*table);
  else if (const auto* array = node.as_array())
    value.data = convert_array(*array);
  else if (const auto text = node.value_exact<std::string>())
    value.data = *text;
  else if (const auto number = node.value_exact<std::int64_t>())
    value.data = *number;
  else if (const auto real = node.value_exact<double>())
    value.data = *real;
  else
    value.data = node.value_or(false);
  return value;
}

SettingArray convert_array(const toml::array& array) {
  SettingArray result;
  for (const toml::node& node : array) result.push_back(convert(node));
  return result;
}

SettingTable convert_table(const toml::table& table) {
  SettingTable result;
  result.place = place_of(table.source());
  for (const auto& [key, node] : table)
    result.entries.push_back({std::string(key.str()), place_of(key.source()), convert(node)});
  std::sort(result.entries.begin(), result.entries.end(),
            [](const auto& a, const auto& b) { return a.place < b.place; });
  return result;
}

Diagnostic unreadable(const std::string& file, int error) {
  return {file, {{}, {}, fmt::format("cannot be read: {}", std::strerror(error))}};
}

}  // namespace

std::expected<SettingTable, Diagnostic> parse_document(std::string_view text,
                                                       const std::string& file) {
  try {  // toml++ throws; nothing leaves this function
    const toml::table table = toml::parse(text, std::string_view(file));
    if (const toml::node* date = find_date(table))
      return std::unexpected(Diagnostic{
          file,
          {place_of(date->source()), {}, "dates have no use here; quote it if it is a text"}});
    return convert_table(table);
  } catch (const toml::parse_error& error) {
    return std::unexpected(Diagnostic{
        file, {place_of(error.source()), {}, "not TOML: " + std::string(error.description())}});
  }
}

std::expected<SettingTable, Diagnostic> read_document(const std::string& file) {
  struct Close {
    void operator()(std::FILE* open) const { std::fclose(open); }
  };
  const std::unique_ptr<std::FILE, Close> open(std::fopen(file.c_str(), "re"));
  if (!open) return std::unexpected(unreadable(file, errno));
  std::string text;
  char buffer[16384];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, open.get()))
    text.append(buffer, n);
  if (std::ferror(open.get()) != 0) return std::unexpected(unreadable(file, errno));
  return parse_document(text, file);
}

}  // namespace postrider::config
