// SPDX-License-Identifier: MIT
// The plugins of a configuration: read and checked once (prepare_plugins), then built for each
// loop (make_plugins). A PluginSet is the Chains of its loop.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "plugin/block.hpp"
#include "plugin/chains.hpp"
#include "plugin/event_fan.hpp"
#include "plugin/hook_chain.hpp"
#include "plugin/instance.hpp"
#include "plugin/route_chain.hpp"

namespace postrider::plugin {

/// One enabled block with its library and its decoded settings.
struct PreparedPlugin {
  Block block;
  const PluginEntry* entry = nullptr;
  std::shared_ptr<const void> settings;
};
using PreparedPlugins = std::vector<PreparedPlugin>;

/// [any thread] Load the libraries of the enabled blocks and decode their settings, without
/// constructing anything: what `--check` needs. The error is every mistake of every block.
std::expected<PreparedPlugins, std::vector<Problem>> prepare_plugins(
    std::span<const Block> blocks, std::span<const std::string> search_path);

/// What `postrider plugins` shows.
struct HookView {
  HookKind kind{};
  unsigned order = 0;  ///< 1: asked first
  HookCounter counter;
};
struct PluginView {
  std::string id;
  std::string name;
  std::string description;
  Mode mode = Mode::active;
  bool is_bypassed = false;
  std::vector<HookView> hooks;
  /// Key and value as TOML: as written, else the default.
  std::vector<std::pair<std::string, std::string>> settings;
};

/// [loop thread] The plugin instances of one loop. What it returns as a task must end, or be
/// dropped, before it is destroyed: sessions and attempts hold a ChainsPtr.
class PluginSet final : public Chains {
 public:
  ~PluginSet() override;

  /// Call on_start of all, one after the other; the error names each plugin that did not start.
  Task<std::expected<void, std::vector<std::string>>> start();
  /// Call on_drain of all. A plugin that fails or takes over 30 s is logged and left.
  Task<void> drain();
  void reopen() noexcept;
  std::vector<PluginView> view() const;
  /// Host::find_route() of the block `id`, by the plugins of this loop; a temporary refusal if
  /// there is no such block (a reload is under way).
  Task<RouteResult> find_route(std::string_view id, Destination destination);

  Task<Verdict> connect(Session& session) override;
  Task<Verdict> helo(Session& session) override;
  Task<Verdict> mail(Session& session, Transaction& transaction) override;
  Task<Verdict> rcpt(Session& session, Transaction& transaction, Recipient& recipient) override;
  Task<Verdict> data(Session& session, Transaction& transaction) override;
  Task<Verdict> message(Session& session, Transaction& transaction, Message& message) override;
  bool has_message_hooks() const noexcept override { return !message_.is_empty(); }
  std::optional<Destination> destination_for(const Path& recipient) override;
  Task<RouteResult> route(const Destination& destination, RouteNext lookup) override;
  bool finds_loops() const noexcept override { return routes_.finds_loops(); }
  Task<Verdict> peer(const Destination& destination, const Peer& peer) override;
  bool has_attempt_hooks() const noexcept override { return !attempt_.is_empty(); }
  std::vector<std::string> keywords() const override;
  Task<std::vector<Outcome>> transport(const std::string& transport, const QueuedMessage& message,
                                       std::span<const Recipient> recipients) override;
  Task<std::vector<Report>> outcome(const QueuedMessage& message,
                                    std::span<const RecipientOutcome> outcomes) override;
  Task<Reports> report(const QueuedMessage& message,
                       std::span<const RecipientOutcome> outcomes) override;
  bool has_outcome_hooks() const noexcept override { return routes_.has_outcome_hooks(); }
  bool reports_failures() const noexcept override { return routes_.reports_failures(); }
  Duration delay_notice() const noexcept override { return routes_.delay_notice(); }
  bool has_observers() const noexcept override { return !fan_.is_empty(); }
  void observe(const ProtocolEvent& event) noexcept override { fan_.observe(event); }
  std::optional<std::string> command(std::span<const std::string_view> words) override;

 private:
  friend std::expected<std::shared_ptr<PluginSet>, std::vector<std::string>> make_plugins(
      const PreparedPlugins& prepared, const LoopParts& parts);
  explicit PluginSet(Loop& loop);
  void add(std::unique_ptr<Instance> instance);

  Loop& loop_;
  std::vector<std::unique_ptr<Instance>> instances_;  // first: the chains refer to them
  HookChain connect_;
  HookChain helo_;
  HookChain mail_;
  HookChain rcpt_;
  HookChain data_;
  HookChain message_;
  HookChain attempt_;
  RouteChain routes_;
  EventFan fan_;
};

/// [loop thread] Construct every plugin for one loop. The error has a sentence for each whose
/// constructor threw; then nothing is kept.
std::expected<std::shared_ptr<PluginSet>, std::vector<std::string>> make_plugins(
    const PreparedPlugins& prepared, const LoopParts& parts);

}  // namespace postrider::plugin
