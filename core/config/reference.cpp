// SPDX-License-Identifier: MIT
// Prints schemas as TOML, as Markdown, and as plain text.
#include "config/reference.hpp"

#include <fmt/format.h>

#include "config/settings.hpp"

namespace postrider::config {
namespace {

using Plugins = std::vector<PluginReference>;

bool is_table(const Field& field) {
  return field.shape == Shape::table || field.shape == Shape::tables;
}

std::string default_or_required(const Field& field) {
  if (field.required) return "required";
  return field.default_text;
}

std::string key_toml(const Field& field) {
  std::string text = fmt::format("# {}", field.help);
  if (!field.range_text.empty()) text += fmt::format(" ({})", field.range_text);
  if (field.required) text += "; required";
  const std::string nothing = field.shape == Shape::list ? "[]" : "\"\"";
  const std::string shown = field.required ? nothing : field.default_text;
  return text + fmt::format("\n#{} = {}\n", field.key, shown);
}

void append_toml(std::string& text, const SchemaBase& schema) {
  for (const Field& field : schema.fields())
    if (!is_table(field)) text += key_toml(field);
  for (const Field& field : schema.fields()) {
    if (!is_table(field)) continue;
    text += fmt::format("\n# {}\n", field.help);
    text += field.shape == Shape::table ? fmt::format("[{}]\n", field.key)
                                        : fmt::format("#[[{}]]\n", field.key);
    append_toml(text, *field.children);
  }
}

// A '|' would end a cell.
std::string cell(std::string_view text) {
  std::string result;
  for (const char c : text) result += c == '|' ? std::string("\\|") : std::string(1, c);
  return result;
}

std::string code(std::string_view text) {
  return text.empty() ? std::string() : fmt::format("`{}`", cell(text));
}

void append_rows(std::string& text, const SchemaBase& schema, const std::string& prefix) {
  text += "\n| Key | Type | Default | Allowed | Meaning |\n|---|---|---|---|---|\n";
  for (const Field& field : schema.fields()) {
    if (is_table(field)) continue;
    const std::string initial = field.required ? "*required*" : code(field.default_text);
    text += fmt::format("| `{}{}` | {} | {} | {} | {} |\n", prefix, field.key, field.type, initial,
                        cell(field.range_text), cell(field.help));
  }
}

void append_tables(std::string& text, const SchemaBase& schema) {
  for (const Field& field : schema.fields()) {
    if (!is_table(field)) continue;
    const std::string title = field.shape == Shape::table ? fmt::format("[{}]", field.key)
                                                          : fmt::format("[[{}]]", field.key);
    text += fmt::format("\n## `{}`\n\n{}.\n", title, field.help);
    append_rows(text, *field.children, {});
  }
}

std::string explain_field(const std::string& key, const Field& field) {
  std::string text = fmt::format("{}: {}\n  type:    {}\n", key, field.help, field.type);
  const std::string initial = default_or_required(field);
  if (!initial.empty()) text += fmt::format("  default: {}\n", initial);
  if (!field.range_text.empty()) text += fmt::format("  allowed: {}\n", field.range_text);
  return text;
}

std::string explain_schema(const std::string& name, const SchemaBase& schema) {
  std::string text;
  for (const Field& field : schema.fields()) text += explain_field(name + "." + field.key, field);
  return text;
}

/// "smtp.max_lin" -> the keys of [smtp]: where the first part that is unknown should have been.
std::unexpected<std::string> no_key(std::string_view key, const std::string& in,
                                    std::string_view inner, const SchemaBase& schema,
                                    const Plugins& plugins = {}) {
  const SchemaBase* within = &schema;
  std::string path = in;
  for (std::size_t dot = inner.find('.'); dot != inner.npos; dot = inner.find('.')) {
    const Field* field = within->find(inner.substr(0, dot));
    if (field == nullptr || !field->children) break;
    path += (path.empty() ? "" : ".") + field->key;
    within = field->children.get();
    inner.remove_prefix(dot + 1);
  }
  std::vector<std::string> known;
  for (const Field& field : within->fields()) known.push_back(field.key);
  if (within == &schema)
    for (const PluginReference& plugin : plugins) known.push_back(plugin.name);
  if (within == &schema && in.empty()) known.emplace_back("plugin");
  return std::unexpected(fmt::format("there is no key \"{}\"{}{}; {}", key,
                                     path.empty() ? "" : " in ", path,
                                     setting::suggestion(inner.substr(0, inner.find('.')), known)));
}

std::expected<std::string, std::string> explain_in(const SchemaBase& schema, std::string_view key,
                                                   std::string_view inner,
                                                   const std::string& heading) {
  if (inner.empty()) return heading + explain_schema(std::string(key), schema);
  const std::string in(key.substr(0, key.size() - inner.size() - 1));
  const Field* field = schema.find(inner);
  if (field == nullptr) return no_key(key, in, inner, schema);
  return explain_field(std::string(key), *field);
}

constexpr std::string_view kTomlHead =
    "# Postrider's configuration: every key with its default. Remove the # to change one.\n"
    "# Made from the schema (core/config/settings.cpp); docs/configuration.md has the same as a "
    "page.\n\n";

constexpr std::string_view kPluginHelp =
    "A plugin; one block each, asked in this order. Its own keys stand beside these.";

constexpr std::string_view kPageHead =
    "# Configuration\n\n"
    "<!-- Made from the schema (core/config/settings.cpp); POSTRIDER_REGENERATE=1 config_test "
    "writes it. -->\n\n"
    "`/etc/postrider/postrider.toml` is [TOML](https://toml.io). `postriderd --check` prints every "
    "mistake of the file\nand its plugins in one run; `postrider explain KEY` prints a line of "
    "this "
    "page.\n\n"
    "- A duration is a text such as `\"500ms\"`, `\"5s\"`, `\"1h30m\"` (units: ms s m h d w).\n"
    "- A size is a text such as `\"64KiB\"` or `\"10MB\"`, or a number of octets.\n\n"
    "SIGHUP and `postrider reload` put `log.level`, `server.mode` and the tables `smtp`, `relay`,\n"
    "`local`, `deliver`, `destination` and `plugin` in force: sessions under way keep what they\n"
    "began with, deliveries take it at once. The rest of `log` and `server`, and `listen`, "
    "`queue`\n"
    "and `dns`, take effect at the next start.\n\n"
    "## Top level\n";

}  // namespace

std::string default_toml(const Plugins& plugins) {
  std::string text(kTomlHead);
  append_toml(text, Schema<Settings>());
  text += fmt::format("\n# {}\n#[[plugin]]\n", kPluginHelp);
  append_toml(text, Schema<Plugin>());
  for (const PluginReference& plugin : plugins) {
    text += fmt::format("\n# {}\n#[[plugin]]\n#use = \"{}\"\n", plugin.description, plugin.name);
    append_toml(text, *plugin.schema);
  }
  return text;
}

std::string reference_markdown(const Plugins& plugins) {
  const Schema<Settings> schema;
  std::string text(kPageHead);
  append_rows(text, schema, {});
  append_tables(text, schema);
  text += fmt::format("\n## `[[plugin]]`\n\n{}\n", kPluginHelp);
  append_rows(text, Schema<Plugin>(), {});
  for (const PluginReference& plugin : plugins) {
    text += fmt::format("\n### `use = \"{}\"`\n\n{}.\n", plugin.name, plugin.description);
    append_rows(text, *plugin.schema, {});
  }
  return text;
}

std::expected<std::string, std::string> explain(std::string_view key, const Plugins& plugins) {
  const std::size_t dot = key.find('.');
  const std::string_view first = key.substr(0, dot);
  const std::string_view rest = dot == std::string_view::npos ? "" : key.substr(dot + 1);
  if (first == "plugin") {
    const Schema<Plugin> schema;
    return explain_in(schema, key, rest, fmt::format("{}\n", kPluginHelp));
  }
  for (const PluginReference& plugin : plugins)
    if (plugin.name == first)
      return explain_in(*plugin.schema, key, rest, plugin.description + "\n");
  const Schema<Settings> schema;
  const Field* field = schema.find(key);
  if (field == nullptr) return no_key(key, {}, key, schema, plugins);
  if (!field->children) return explain_field(std::string(key), *field);
  return fmt::format("{}\n", field->help) + explain_schema(std::string(key), *field->children);
}

}  // namespace postrider::config
