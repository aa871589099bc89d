// SPDX-License-Identifier: MIT
// Decodes the core's keys, splits each [[plugin]] block into the keys that every plugin has and the
// plugin's own, and checks what one key alone cannot show.
#include "config/load.hpp"

#include <array>
#include <filesystem>
#include <set>

#include <fmt/format.h>
#include <netdb.h>
#include <unistd.h>

#include "config/document.hpp"

#ifndef POSTRIDER_PLUGIN_DIR
#define POSTRIDER_PLUGIN_DIR "/usr/local/lib/postrider"
#endif

namespace postrider::config {
namespace {

const Schema<Plugin>& plugin_schema() {
  static const Schema<Plugin> schema;
  return schema;
}

// The machine's full name, from the resolver's files; the short one if there is no other.
std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  if (getaddrinfo(name.data(), nullptr, &hints, &found) != 0) return name.data();
  std::string full = found->ai_canonname != nullptr ? found->ai_canonname : name.data();
  freeaddrinfo(found);
  return full;
}

class Loader {
 public:
  Loader(const std::string& file, Loaded& loaded) : file_{file}, loaded_{loaded} {}

  void run(SettingTable table) {
    take_plugins(table);
    for (Problem& problem : Schema<Settings>().decode(table, loaded_.settings))
      add(std::move(problem));
    check_listeners(table);
    fill_in();
    sort_by_place(loaded_.diagnostics);
  }

 private:
  void add(Problem problem) { loaded_.diagnostics.push_back({file_, std::move(problem)}); }

  // Moves the [[plugin]] blocks out of `table`.
  void take_plugins(SettingTable& table) {
    SettingTable rest{{}, table.place};
    for (SettingEntry& entry : table.entries) {
      if (entry.key != "plugin") {
        rest.entries.push_back(std::move(entry));
      } else if (const auto* blocks = std::get_if<SettingArray>(&entry.value.data)) {
        for (const SettingValue& block : *blocks) take_plugin(block);
      } else {
        add({entry.place, "plugin", "expected an array of tables; write [[plugin]]"});
      }
    }
    table = std::move(rest);
  }

  void take_plugin(const SettingValue& value) {
    const auto* table = std::get_if<SettingTable>(&value.data);
    if (table == nullptr)
      return add({value.place, "plugin", "expected an array of tables; write [[plugin]]"});
    Plugin block;
    block.own.place = table->place;
    SettingTable reserved{{}, table->place};
    for (const SettingEntry& entry : table->entries)
      (plugin_schema().find(entry.key) != nullptr ? reserved : block.own).entries.push_back(entry);
    for (Problem& problem : plugin_schema().SchemaBase::decode(reserved, &block, "plugin"))
      add(std::move(problem));
    if (block.use.empty()) return;
    name_block(block, reserved);
    loaded_.settings.plugin.push_back(std::move(block));
  }

  void name_block(Plugin& block, const SettingTable& reserved) {
    const SettingValue* written = reserved.find("id");
    if (!block.id.empty() && !ids_.insert(block.id).second)
      return add({written->place, "plugin.id",
                  fmt::format("\"{}\" is the id of an earlier block; choose another", block.id)});
    if (!block.id.empty()) return;
    const std::string name = std::filesystem::path(block.use).stem();  // `use` may be a path
    block.id = name;
    for (int n = 2; !ids_.insert(block.id).second; ++n) block.id = fmt::format("{}#{}", name, n);
  }

  void check_listeners(const SettingTable& table) {
    const SettingValue* value = table.find("listen");
    const auto* blocks = value != nullptr ? std::get_if<SettingArray>(&value->data) : nullptr;
    if (blocks == nullptr) return;
    std::set<std::string> seen;
    for (const SettingValue& block : *blocks) {
      const auto* keys = std::get_if<SettingTable>(&block.data);
      const SettingValue* address = keys != nullptr ? keys->find("address") : nullptr;
      const auto* text = address != nullptr ? std::get_if<std::string>(&address->data) : nullptr;
      if (text != nullptr && !seen.insert(*text).second)
        add({address->place, "listen.address",
             fmt::format("\"{}\" has a listener already; remove one of the two", *text)});
    }
  }

  void fill_in() {
    Settings& settings = loaded_.settings;
    if (settings.hostname.empty()) settings.hostname = machine_name();
    if (settings.server.plugin_path.empty()) settings.server.plugin_path = {POSTRIDER_PLUGIN_DIR};
  }

  const std::string& file_;
  Loaded& loaded_;
  std::set<std::string> ids_;
};

Loaded finish(std::expected<SettingTable, Diagnostic> table, const std::string& file) {
  Loaded loaded;
  if (table)
    Loader(file, loaded).run(std::move(*table));
  else
    loaded.diagnostics.push_back(std::move(table.error()));
  return loaded;
}

}  // namespace

Loaded load(const std::string& file) {
  return finish(read_document(file), file);
}

Loaded load_text(std::string_view text, const std::string& file) {
  return finish(parse_document(text, file), file);
}

std::vector<Problem> decode_plugin(const SettingTable& own, const std::string& id,
                                   const SchemaBase& schema, void* settings) {
  std::vector<std::string> known;
  for (const Field& field : schema.fields()) known.push_back(field.key);
  for (const Field& field : plugin_schema().fields()) known.push_back(field.key);
  const std::string path = "plugin." + id;
  std::vector<Problem> problems = schema.decode(own, settings, path);
  for (Problem& problem : problems) {
    // An unknown key may be a misspelt one of those that every plugin has.
    const std::string key = problem.key.substr(path.size() + 1);
    if (own.find(key) != nullptr && schema.find(key) == nullptr)
      problem.message = "unknown key; " + setting::suggestion(key, known);
  }
  return problems;
}

std::vector<std::string> reserved_keys_in(const SchemaBase& schema) {
  std::vector<std::string> found;
  for (const Field& field : schema.fields())
    if (plugin_schema().find(field.key) != nullptr) found.push_back(field.key);
  return found;
}

}  // namespace postrider::config
