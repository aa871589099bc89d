// SPDX-License-Identifier: MIT
#include "runtime/place.hpp"

#include <filesystem>
#include <mutex>
#include <set>

#include <dlfcn.h>

namespace postrider::runtime {

namespace {
thread_local const std::shared_ptr<Place> own_place = std::make_shared<Place>();
}

Place& this_place() noexcept {
  return *own_place;
}

std::shared_ptr<const Place> share_this_place() noexcept {
  return own_place;
}

const char* lasting_name(std::string_view name) {
  static std::mutex mutex;
  static auto& names = *new std::set<std::string, std::less<>>();  // outlives every thread
  const std::lock_guard guard(mutex);
  const auto found = names.find(name);
  return (found != names.end() ? found : names.emplace(name).first)->c_str();
}

std::string place_text(const Place& place) {
  if (const char* const hook = place.hook.load(std::memory_order_relaxed)) return hook;
  const void* const code = place.code.load(std::memory_order_relaxed);
  Dl_info library{};
  if (!code || ::dladdr(code, &library) == 0 || !library.dli_fname) return {};
  return std::filesystem::path(library.dli_fname).filename();
}

}  // namespace postrider::runtime
