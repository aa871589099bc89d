// SPDX-License-Identifier: MIT
// One plugin of one loop: its object, its hooks, its counters and its breaker.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <postrider/plugin.hpp>

#include "plugin/block.hpp"
#include "plugin/host.hpp"

namespace postrider::plugin {

enum class HookKind : std::uint8_t {
  connect,
  helo,
  mail,
  rcpt,
  data,
  message,
  route,
  transport,
  outcome,
  observer,
  lifecycle,
  attempt
};
inline constexpr std::size_t kHookKinds = 12;
std::string_view hook_name(HookKind kind) noexcept;

/// What a plugin did in one hook. `held` is the time in which nothing else ran on the loop (up to
/// the first suspension); the others include waiting.
struct HookCounter {
  std::uint64_t calls = 0;
  std::uint64_t refusals = 0;
  std::uint64_t errors = 0;
  std::uint64_t timeouts = 0;
  std::chrono::nanoseconds total{};
  std::chrono::nanoseconds longest{};
  std::chrono::nanoseconds longest_held{};
};

/// After kBreakerFailures failures in a row a plugin is not called for kBreakerPause; its policy
/// answers for it. The first failure after that opens the breaker again.
inline constexpr unsigned kBreakerFailures = 10;
inline constexpr Duration kBreakerPause = 30s;
/// A hook that holds the loop longer in one stretch is named in the log.
inline constexpr std::chrono::milliseconds kHeldTooLong{50};

enum class Fault : std::uint8_t { none, threw, timed_out, malformed };

/// [loop thread]
class Instance {
 public:
  /// Constructs the plugin; throws what its constructor throws.
  Instance(Block block, const PluginEntry& entry, const void* settings, const LoopParts& parts);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;
  ~Instance();

  const std::string& id() const noexcept { return host_.id(); }
  const Block& block() const noexcept { return block_; }
  const PluginEntry& entry() const noexcept { return entry_; }
  const HookTable& hooks() const noexcept { return hooks_; }
  bool has(HookKind kind) const noexcept;
  bool is_shadow() const noexcept { return block_.mode == Mode::shadow; }
  Log& log() noexcept { return host_.log(); }
  PluginHost& host() noexcept { return host_; }
  /// "id/hook", for ever: what the watchdog says when the loop stands still in it.
  const char* name(HookKind kind) const noexcept { return names_[static_cast<std::size_t>(kind)]; }
  HookCounter& counter(HookKind kind) noexcept { return counters_[static_cast<std::size_t>(kind)]; }

  /// Is the breaker open: must the policy answer instead of the plugin?
  bool is_bypassed(TimePoint now) const noexcept { return now < bypassed_until_; }
  FailurePolicy policy(Fault fault) const noexcept {
    return fault == Fault::timed_out ? block_.on_timeout : block_.on_error;
  }
  /// Count, log and remember a failure; opens the breaker when they are many.
  void failed(HookKind kind, Fault fault, std::string_view reason, TimePoint now);
  void succeeded() noexcept { failures_ = 0; }
  /// Count one finished call.
  void spent(HookKind kind, std::chrono::nanoseconds total, std::chrono::nanoseconds held);

 private:
  const Block block_;
  const PluginEntry& entry_;
  PluginHost host_;
  std::unique_ptr<Plugin, void (*)(Plugin*) noexcept> plugin_;
  HookTable hooks_;
  std::array<const char*, kHookKinds> names_{};
  std::array<HookCounter, kHookKinds> counters_{};
  unsigned failures_ = 0;
  TimePoint bypassed_until_{};
};

}  // namespace postrider::plugin
