// SPDX-License-Identifier: MIT
// What plugins attach to a session, transaction or message: notes (short public texts) and slots
// (a plugin's own typed state). Both die with their owner. [loop thread]
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace postrider {

/// Short texts by name that other plugins and the log see. Values are made printable by the log.
class Notes {
 public:
  void set(std::string_view name, std::string value) {
    for (auto& [key, text] : entries_)
      if (key == name) return void(text = std::move(value));
    entries_.emplace_back(name, std::move(value));
  }
  /// "" if absent.
  std::string_view get(std::string_view name) const noexcept {
    for (const auto& [key, text] : entries_)
      if (key == name) return text;
    return {};
  }
  const std::vector<std::pair<std::string, std::string>>& entries() const noexcept {
    return entries_;
  }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

/// The storage behind Slot<T>.
class SlotStore {
 public:
  SlotStore() = default;
  SlotStore(const SlotStore&) = delete;
  SlotStore& operator=(const SlotStore&) = delete;
  using Erased = std::unique_ptr<void, void (*)(void*)>;
  void* find(const void* key) const noexcept {
    for (const auto& [owner, value] : values_)
      if (owner == key) return value.get();
    return nullptr;
  }
  void* add(const void* key, Erased value) {
    return values_.emplace_back(key, std::move(value)).second.get();
  }

 private:
  std::vector<std::pair<const void*, Erased>> values_;
};

/// A member of a plugin: its own T inside each session, transaction or message.
///   Slot<Counter> counter_;   ...   counter_.of(session).commands++;
template <class T>
class Slot {
 public:
  Slot() = default;
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  /// The owner's T, made on first use.
  template <class Owner>
  T& of(Owner& owner) {
    if (void* found = owner.slots().find(this)) return *static_cast<T*>(found);
    auto made = SlotStore::Erased(new T(), [](void* value) { delete static_cast<T*>(value); });
    return *static_cast<T*>(owner.slots().add(this, std::move(made)));
  }
};

}  // namespace postrider
