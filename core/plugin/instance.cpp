// SPDX-License-Identifier: MIT
#include "plugin/instance.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "runtime/place.hpp"

namespace postrider::plugin {

std::string_view hook_name(HookKind kind) noexcept {
  static constexpr std::array<std::string_view, kHookKinds> kNames{
      "connect", "helo",      "mail",    "rcpt",     "data",      "message",
      "route",   "transport", "outcome", "observer", "lifecycle", "attempt"};
  return kNames[static_cast<std::size_t>(kind)];
}

Instance::Instance(Block block, const PluginEntry& entry, const void* settings,
                   const LoopParts& parts)
    : block_(std::move(block)),
      entry_(entry),
      host_(block_.id, parts),
      plugin_(entry.create(host_, settings), entry.destroy) {
  entry.hooks(plugin_.get(), hooks_);
  for (std::size_t kind = 0; kind < kHookKinds; ++kind)
    names_[kind] =
        runtime::lasting_name(id() + "/" + std::string(hook_name(static_cast<HookKind>(kind))));
}

Instance::~Instance() {
  host_.cancel_tasks();
}

bool Instance::has(HookKind kind) const noexcept {
  const std::array<const void*, kHookKinds> places{
      hooks_.connect, hooks_.helo,     hooks_.mail,      hooks_.rcpt,
      hooks_.data,    hooks_.message,  hooks_.route,     hooks_.transport,
      hooks_.outcome, hooks_.observer, hooks_.lifecycle, hooks_.attempt};
  return places[static_cast<std::size_t>(kind)] != nullptr;
}

void Instance::failed(HookKind kind, Fault fault, std::string_view reason, TimePoint now) {
  HookCounter& counts = counter(kind);
  ++(fault == Fault::timed_out ? counts.timeouts : counts.errors);
  const std::string_view event = fault == Fault::timed_out   ? "plugin timed out"
                                 : fault == Fault::malformed ? "plugin answered nonsense"
                                                             : "plugin failed";
  log().write(LogLevel::error, event, {{"hook", hook_name(kind)}, {"reason", reason}});
  if (++failures_ < kBreakerFailures) return;
  failures_ = kBreakerFailures - 1;
  bypassed_until_ = now + kBreakerPause;
  log().write(LogLevel::error, "plugin bypassed after too many failures in a row",
              {{"hook", hook_name(kind)}, {"for", "30s"}});
}

void Instance::spent(HookKind kind, std::chrono::nanoseconds total, std::chrono::nanoseconds held) {
  HookCounter& counts = counter(kind);
  ++counts.calls;
  counts.total += total;
  counts.longest = std::max(counts.longest, total);
  counts.longest_held = std::max(counts.longest_held, held);
  if (held <= kHeldTooLong) return;
  const std::string length = fmt::format("{}ms", held / std::chrono::milliseconds(1));
  log().write(LogLevel::warning, "plugin held the loop",
              {{"hook", hook_name(kind)}, {"length", length}});
}

}  // namespace postrider::plugin
