// SPDX-License-Identifier: MIT
// The plugins of one loop under one configuration, as the stages call them: each judge chain in
// file order, first answer wins, with timeouts, failure policy and shadow mode applied. Sessions
// keep the Chains they began with; a reload makes new ones. Interface; the host implements it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/hooks.hpp>

namespace postrider::plugin {

/// What the outcome hooks answered together.
struct Reports {
  std::vector<Report> reports;
  /// False: a hook that reports failures failed itself; then failed recipients must stay queued.
  bool is_complete = true;
};

/// [loop thread] A chain without plugins answers at once and makes no frame. Nothing a plugin does
/// (throw, hang, answer nonsense) leaves these calls as anything but a Verdict.
class Chains {
 public:
  virtual ~Chains() = default;

  virtual Task<Verdict> connect(Session& session) = 0;
  virtual Task<Verdict> helo(Session& session) = 0;
  virtual Task<Verdict> mail(Session& session, Transaction& transaction) = 0;
  virtual Task<Verdict> rcpt(Session& session, Transaction& transaction, Recipient& recipient) = 0;
  virtual Task<Verdict> data(Session& session, Transaction& transaction) = 0;
  virtual Task<Verdict> message(Session& session, Transaction& transaction, Message& message) = 0;
  /// Is there any MessageHook? Without one the data phase need not build a Message.
  virtual bool has_message_hooks() const noexcept = 0;

  /// The first plugin's answer, else nothing: then the domain by MX.
  virtual std::optional<Destination> destination_for(const Path& recipient) = 0;
  /// The route hooks nested in file order around `lookup`, the core's own search.
  virtual Task<RouteResult> route(const Destination& destination, RouteNext lookup) = 0;
  /// Does a route hook find out that a next hop is this very host (else the core does by name)?
  virtual bool finds_loops() const noexcept { return false; }
  /// A next hop answered EHLO: the attempt hooks' verdict. Without any there is no need to ask.
  virtual Task<Verdict> peer(const Destination&, const Peer&) { return pass(); }
  virtual bool has_attempt_hooks() const noexcept { return false; }
  /// The EHLO keyword lines that plugins offer.
  virtual std::vector<std::string> keywords() const { return {}; }
  /// Delivery by the plugin whose id is `transport`; all delayed with 4.3.5 if there is none.
  virtual Task<std::vector<Outcome>> transport(const std::string& transport,
                                               const QueuedMessage& message,
                                               std::span<const Recipient> recipients) = 0;
  /// The reports of all outcome hooks.
  virtual Task<std::vector<Report>> outcome(const QueuedMessage& message,
                                            std::span<const RecipientOutcome> outcomes) = 0;
  /// outcome(), and whether every hook that reports failures answered.
  virtual Task<Reports> report(const QueuedMessage& message,
                               std::span<const RecipientOutcome> outcomes) {
    Reports all;
    all.reports = co_await outcome(message, outcomes);
    co_return all;
  }
  virtual bool has_outcome_hooks() const noexcept = 0;
  /// Does a plugin report failures (else failed recipients stay in the queue)?
  virtual bool reports_failures() const noexcept = 0;
  /// The shortest OutcomeHook::delay_notice() of all plugins; zero if none has one.
  virtual Duration delay_notice() const noexcept { return {}; }

  virtual bool has_observers() const noexcept = 0;
  virtual void observe(const ProtocolEvent& event) noexcept = 0;

  /// The first plugin's answer to a control command.
  virtual std::optional<std::string> command(std::span<const std::string_view> words) = 0;
};
using ChainsPtr = std::shared_ptr<Chains>;

}  // namespace postrider::plugin
