// SPDX-License-Identifier: MIT
// The hook interfaces. A plugin class inherits those it wants; there is no other registration.
// Judges return exactly one Verdict; observers return nothing and cannot wait.
// All calls: [loop thread] of the plugin's own instance. Calls interleave at co_await only.
// References are valid until the returned task ends or is dropped; a session that dies drops it.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/message.hpp>
#include <postrider/outcome.hpp>
#include <postrider/protocol_event.hpp>
#include <postrider/route.hpp>
#include <postrider/session.hpp>
#include <postrider/task.hpp>
#include <postrider/transaction.hpp>
#include <postrider/verdict.hpp>

namespace postrider {

/// [may suspend] A client was accepted; the banner waits for the verdict, so start facts, do not
/// await them. defer: 421 and close; reject: 554 and close (RFC 5321 section 3.1).
class ConnectHook {
 public:
  virtual Task<Verdict> on_connect(Session& session) = 0;

 protected:
  ~ConnectHook() = default;
};

/// [may suspend] HELO, EHLO or LHLO; session.helo() is the new name.
class HeloHook {
 public:
  virtual Task<Verdict> on_helo(Session& session) = 0;

 protected:
  ~HeloHook() = default;
};

/// [may suspend] MAIL: the transaction holds the reverse-path and its parameters.
class MailHook {
 public:
  virtual Task<Verdict> on_mail(Session& session, Transaction& transaction) = 0;

 protected:
  ~MailHook() = default;
};

/// [may suspend] RCPT: judge one recipient, or rewrite it in place. Runs before the core's relay
/// policy; accept() overrides that policy.
class RcptHook {
 public:
  virtual Task<Verdict> on_rcpt(Session& session, Transaction& transaction,
                                Recipient& recipient) = 0;

 protected:
  ~RcptHook() = default;
};

/// [may suspend] DATA, before the 354.
class DataHook {
 public:
  virtual Task<Verdict> on_data(Session& session, Transaction& transaction) = 0;

 protected:
  ~DataHook() = default;
};

/// [may suspend] The final dot arrived; nothing is committed yet. May edit the message.
class MessageHook {
 public:
  virtual Task<Verdict> on_message(Session& session, Transaction& transaction,
                                   Message& message) = 0;

 protected:
  ~MessageHook() = default;
};

/// Where a recipient's mail goes.
class RouteHook {
 public:
  /// The destination of a recipient, if this plugin decides it (smart host, local delivery).
  /// Must not wait. The first plugin with an answer wins; default: the domain by MX.
  virtual std::optional<Destination> destination_for(const Path& recipient) {
    (void)recipient;
    return std::nullopt;
  }
  /// [may suspend] Wraps the search for next hops at the moment of an attempt: answer before
  /// co_await next(destination), change its answer, or refuse. Blocks are nested in file order.
  virtual Task<RouteResult> on_route(const Destination& destination, const RouteNext& next) {
    return next(destination);
  }
  /// Does this plugin find out that a next hop is this very host? Then the core leaves our own host
  /// name among the MX hosts, and this plugin cuts the list (RFC 5321 section 5.1).
  virtual bool finds_loops() const noexcept { return false; }

 protected:
  ~RouteHook() = default;
};

/// A next hop that answered our EHLO.
struct Peer {
  std::string host;  ///< its name in the route
  SocketAddress address;
  /// Its EHLO reply, printable: the line with its own name, then a keyword line each; only the
  /// former after HELO.
  std::vector<std::string> lines;
};

/// Whom mail is handed to.
class AttemptHook {
 public:
  /// [may suspend] A connection to a next hop is open and greeted; no mail was named yet. defer:
  /// other hosts are tried. reject: of these only better ones (RFC 5321 section 5.1), and the
  /// recipients fail with the reply, unless there is a better host: then they wait for it.
  virtual Task<Verdict> on_peer(const Destination& destination, const Peer& peer) = 0;

 protected:
  ~AttemptHook() = default;
};

/// Delivery by something other than SMTP. The plugin claims recipients with RouteHook's
/// destination_for(), whose `transport` is the plugin's id (Host::id()).
class TransportHook {
 public:
  /// [may suspend] One outcome per recipient, in their order: delivered, delayed or failed. When
  /// `delivered` is answered the message must be durable there.
  virtual Task<std::vector<Outcome>> deliver(const QueuedMessage& message,
                                             std::span<const Recipient> recipients) = 0;

 protected:
  ~TransportHook() = default;
};

/// [may suspend] Some recipients of a message have an outcome (delivered, delayed, relayed,
/// failed), or have waited for delay_notice(). The reports returned are committed in the same
/// durable step as the outcomes.
class OutcomeHook {
 public:
  virtual Task<std::vector<Report>> on_outcome(const QueuedMessage& message,
                                               std::span<const RecipientOutcome> outcomes) = 0;
  /// Does this plugin report failures? Then a failed recipient leaves the queue with its report;
  /// otherwise it stays, visible as failed, until the operator removes it.
  virtual bool reports_failures() const noexcept { return false; }
  /// The age of a message at which on_outcome() hears of all recipients that still wait
  /// (Action::delayed, not attempted), whether or not an attempt ends then; zero: not at all.
  virtual Duration delay_notice() const noexcept { return {}; }

 protected:
  ~OutcomeHook() = default;
};

/// Sees everything, decides nothing, cannot delay anybody.
class ProtocolObserver {
 public:
  virtual void on_event(const ProtocolEvent& event) noexcept = 0;

 protected:
  ~ProtocolObserver() = default;
};

/// The daemon's own life.
class LifecycleHook {
 public:
  /// [may suspend] Listeners open when every plugin has started. An error stops the start.
  virtual Task<std::expected<void, std::string>> on_start() {
    return std::expected<void, std::string>{};
  }
  /// [may suspend] The daemon stops taking mail; finish what is under way.
  virtual Task<void> on_drain() { return {}; }
  /// SIGUSR1: reopen files.
  virtual void on_reopen() noexcept {}
  /// A control command of this plugin ("routes --flush example.org" as words); nothing if it is
  /// not this plugin's. The answer is a JSON object on one line. Every loop's instance is asked:
  /// the lists in their answers are joined, numbers added, of anything else the first counts.
  virtual std::optional<std::string> on_command(std::span<const std::string_view> words) {
    (void)words;
    return std::nullopt;
  }

 protected:
  ~LifecycleHook() = default;
};

}  // namespace postrider
