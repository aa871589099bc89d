// SPDX-License-Identifier: MIT
// Loading by Boost.DLL: look, map, compare, remember.
#define BOOST_DLL_USE_STD_FS
#include "plugin/loader.hpp"

#include <cstring>
#include <exception>
#include <filesystem>
#include <map>
#include <mutex>
#include <string_view>
#include <system_error>

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Weverything"
#include <boost/dll/shared_library.hpp>
#pragma clang diagnostic pop

#include <fmt/format.h>

namespace postrider::plugin {
namespace {

namespace dll = boost::dll;
namespace fs = std::filesystem;
using Error = std::unexpected<std::string>;

constexpr char kSymbol[] = "postrider_plugin_entry";
constexpr auto kNoDelete = dll::load_mode::type(0x1000);  // RTLD_NODELETE

/// Every library that was loaded, by its canonical path; never destroyed.
struct Registry {
  std::mutex mutex;
  std::map<std::string, dll::shared_library> libraries;
};
Registry& registry() {
  static auto* const instance = new Registry;
  return *instance;
}

bool is_plugin_name(std::string_view name) {
  for (const char c : name)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
          c == '-'))
      return false;
  return !name.empty();
}

std::expected<fs::path, std::string> find_library(const std::string& use,
                                                  std::span<const std::string> search_path) {
  std::error_code error;
  if (use.contains('/')) {
    if (fs::is_regular_file(use, error)) return fs::path(use);
    return Error(fmt::format("there is no plugin library {}", use));
  }
  if (!is_plugin_name(use))
    return Error(
        fmt::format("\"{}\" is no name of a plugin; use letters, digits, _ and -, or an "
                    "absolute path",
                    use));
  std::string looked;
  for (const std::string& folder : search_path) {
    const fs::path file = fs::path(folder) / (use + ".so");
    if (fs::is_regular_file(file, error)) return file;
    looked += (looked.empty() ? "" : ", ") + folder;
  }
  return Error(fmt::format("there is no plugin {0}: {0}.so is not in {1}", use,
                           looked.empty() ? "the plugin path, which is empty" : looked));
}

/// What dlopen said, without what Boost adds before and after.
std::string reason_of(const std::exception& failure, const std::string& file) {
  std::string_view text = failure.what();
  for (const std::string_view noise : {": Bad file descriptor", ": Illegal seek", ": Success"})
    if (text.ends_with(noise)) text.remove_suffix(noise.size());
  if (const auto at = text.find(file + ": "); at != text.npos)
    text.remove_prefix(at + file.size() + 2);
  text = text.substr(0, text.find('\n'));
  if (text.ends_with(')') && !text.contains('(')) text.remove_suffix(1);  // Boost's, half cut off
  return std::string(text);
}

/// What is wrong with the entry; "" if nothing. Reads no field before those that permit it.
std::string mismatch(const PluginEntry& entry) {
  if (entry.magic != kEntryMagic) return "is not a Postrider plugin: its entry has a wrong magic";
  if (entry.sdk_number != kSdkNumber)
    return fmt::format("was built for SDK {}, this daemon has SDK {}; build it again",
                       entry.sdk_number, kSdkNumber);
  if (entry.size != sizeof(PluginEntry))
    return fmt::format("has an entry of {} octets, this daemon expects {}; build it again",
                       entry.size, sizeof(PluginEntry));
  if (!entry.build_tag || std::strcmp(entry.build_tag, kBuildTag) != 0)
    return fmt::format("was built as \"{}\", this daemon as \"{}\"; build both alike",
                       entry.build_tag ? entry.build_tag : "", kBuildTag);
  if (!entry.name || !entry.description || !entry.schema || !entry.create || !entry.destroy ||
      !entry.hooks)
    return "has an incomplete entry; export it by POSTRIDER_PLUGIN";
  return {};
}

std::expected<const PluginEntry*, std::string> read_entry(const dll::shared_library& library,
                                                          const std::string& file) {
  if (!library.has(kSymbol))
    return Error(fmt::format("{} is not a Postrider plugin: it exports no {}", file, kSymbol));
  const PluginEntry& entry = library.get<const PluginEntry>(kSymbol);
  if (const std::string wrong = mismatch(entry); !wrong.empty())
    return Error(fmt::format("{} {}", file, wrong));
  return &entry;
}

}  // namespace

std::expected<const PluginEntry*, std::string> load(const std::string& use,
                                                    std::span<const std::string> search_path) {
  const auto found = find_library(use, search_path);
  if (!found) return Error(found.error());
  std::error_code error;
  const std::string file = fs::canonical(*found, error).string();
  if (error) return Error(fmt::format("{} cannot be read: {}", found->string(), error.message()));
  const std::lock_guard lock(registry().mutex);
  auto place = registry().libraries.find(file);
  if (place == registry().libraries.end()) {
    try {
      dll::shared_library library(
          fs::path(file), dll::load_mode::rtld_now | dll::load_mode::rtld_local | kNoDelete);
      place = registry().libraries.emplace(file, std::move(library)).first;
    } catch (const std::exception& failure) {
      return Error(fmt::format("{} cannot be loaded: {}", file, reason_of(failure, file)));
    }
  }
  return read_entry(place->second, file);
}

}  // namespace postrider::plugin
