// SPDX-License-Identifier: MIT
// A plugin: a class that inherits Plugin and the hook interfaces it wants, with a nested struct
// Settings and a constructor (Host&, Settings). It is ready when constructed. One instance per
// [[plugin]] block and loop; its methods never run on two threads.
//   class Greylist final : public Plugin, public RcptHook { ... };
//   POSTRIDER_PLUGIN(Greylist, "greylist", "Defers first contacts from unknown senders");
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include <postrider/hooks.hpp>
#include <postrider/host.hpp>
#include <postrider/schema.hpp>
#include <postrider/version.hpp>

namespace postrider {

class Plugin {
 public:
  Plugin() = default;
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;
  virtual ~Plugin() = default;
};

/// The hooks of one instance; null where the class does not inherit the interface.
struct HookTable {
  ConnectHook* connect = nullptr;
  HeloHook* helo = nullptr;
  MailHook* mail = nullptr;
  RcptHook* rcpt = nullptr;
  DataHook* data = nullptr;
  MessageHook* message = nullptr;
  RouteHook* route = nullptr;
  TransportHook* transport = nullptr;
  OutcomeHook* outcome = nullptr;
  ProtocolObserver* observer = nullptr;
  LifecycleHook* lifecycle = nullptr;
  AttemptHook* attempt = nullptr;
};

/// The plain struct that a library exports as `postrider_plugin_entry`. The loader reads magic,
/// size, sdk_number and build_tag before it calls anything.
struct PluginEntry {
  std::uint32_t magic;
  std::uint32_t size;
  std::uint32_t sdk_number;
  const char* build_tag;
  const char* name;
  const char* description;
  /// The schema of the block's own keys.
  const SchemaBase& (*schema)();
  /// Construct from decoded settings (as SchemaBase::new_settings() made them). May throw.
  Plugin* (*create)(Host& host, const void* settings);
  void (*destroy)(Plugin* plugin) noexcept;
  void (*hooks)(Plugin* plugin, HookTable& table) noexcept;
};

namespace detail {

template <class Class, class Hook>
void file_hook(Class& plugin, Hook*& place) noexcept {
  if constexpr (std::derived_from<Class, Hook>) place = &plugin;
}

template <class Class>
const SchemaBase& plugin_schema() {
  static const Schema<typename Class::Settings> schema;
  return schema;
}

template <class Class>
Plugin* create_plugin(Host& host, const void* settings) {
  return new Class(host, *static_cast<const typename Class::Settings*>(settings));
}

inline void destroy_plugin(Plugin* plugin) noexcept {
  delete plugin;
}

template <class Class>
void plugin_hooks(Plugin* plugin, HookTable& table) noexcept {
  auto& self = static_cast<Class&>(*plugin);
  file_hook(self, table.connect);
  file_hook(self, table.helo);
  file_hook(self, table.mail);
  file_hook(self, table.rcpt);
  file_hook(self, table.data);
  file_hook(self, table.message);
  file_hook(self, table.route);
  file_hook(self, table.transport);
  file_hook(self, table.outcome);
  file_hook(self, table.observer);
  file_hook(self, table.lifecycle);
  file_hook(self, table.attempt);
}

}  // namespace detail

}  // namespace postrider

/// Exports the class from its library. Once per library, at global scope.
#define POSTRIDER_PLUGIN(Class, Name, Description)          \
  extern "C" __attribute__((visibility("default")))         \
  const ::postrider::PluginEntry postrider_plugin_entry;    \
  const ::postrider::PluginEntry postrider_plugin_entry = { \
      ::postrider::kEntryMagic,                             \
      sizeof(::postrider::PluginEntry),                     \
      ::postrider::kSdkNumber,                              \
      ::postrider::kBuildTag,                               \
      Name,                                                 \
      Description,                                          \
      &::postrider::detail::plugin_schema<Class>,           \
      &::postrider::detail::create_plugin<Class>,           \
      &::postrider::detail::destroy_plugin,                 \
      &::postrider::detail::plugin_hooks<Class>}
