// SPDX-License-Identifier: MIT
// What an operator can ask of the running daemon. The server implements it over all loops.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <postrider/task.hpp>

#include "config/mode.hpp"
#include "plugin/plugin_set.hpp"
#include "queue/loop_queue.hpp"
#include "receive/session_table.hpp"
#include "watchdog/watchdog.hpp"

namespace postrider::control {

struct QueueChange {
  enum class Kind : std::uint8_t { retry, hold, release, remove, bounce, give_up };
  Kind kind{};
  std::string text{};           ///< of bounce: why, for the sender
  queue::GiveUpTime give_up{};  ///< of give_up
};

struct DestinationListing {
  std::vector<queue::DestinationView> destinations;
  std::size_t in_all = 0;
};

struct Listing {
  std::vector<queue::MessageView> messages;  ///< with what they wait for
  /// How those fare that they wait for, by name, as far as anything is known of them.
  std::unordered_map<std::string, queue::DestinationView> destinations;
  bool is_cut = false;  ///< there are more than the limit
};

using Done = std::expected<void, std::string>;

/// What the daemon takes and tries.
struct ModeView {
  config::Mode mode{};                 ///< in force
  config::Mode configured{};           ///< server.mode
  std::optional<WallTime> ordered{};   ///< since when the operator's word stands before server.mode
  std::optional<WallTime> draining{};  ///< since when no mail is taken, to empty the queue
  bool stops_when_drained = false;
};

/// Octets of messages in memory, and how many there may be.
struct MemoryView {
  std::uint64_t incoming = 0, incoming_limit = 0;  ///< not on disk yet (smtp.memory)
  std::uint64_t queued = 0, queued_limit = 0;      ///< kept until the first attempt (queue.memory)
};

/// What a reload did: nothing but `mistakes`, or put all in force but the `restart` keys.
struct Reloading {
  std::vector<std::string> mistakes{};
  std::vector<std::string> restart{};  ///< changed tables and keys that need a restart
};

/// [main thread]
class Daemon {
 public:
  virtual ~Daemon() = default;
  virtual std::string hostname() const = 0;
  virtual WallTime now() const = 0;
  virtual WallTime started_at() const = 0;
  virtual bool is_stopping() const = 0;
  virtual receive::SessionTable::Figures sessions() const = 0;
  virtual store::Stats store_stats() const = 0;
  virtual MemoryView memory() const = 0;
  /// The loops that do not turn; the other figures are without theirs.
  virtual std::vector<watchdog::Standing> standing() const = 0;
  virtual Task<queue::QueueCounts> counts() = 0;
  // Lists, counts and changes work in slices beside the mail, on all loops at once. They cover what
  // was in the queue when they began.
  /// Messages of all loops, oldest first, at most selection.limit.
  virtual Task<Listing> list(queue::Selection selection) = 0;
  virtual Task<queue::TallyTable> tally(queue::Selection selection, queue::TallyKey key) = 0;
  /// How many recipients were changed; of give_up: messages.
  virtual Task<std::size_t> change(QueueChange change, queue::Selection selection) = 0;
  /// Those whose text is meant, at most `limit`: the most mail first.
  virtual Task<DestinationListing> destinations(std::function<bool(const std::string&)> is_meant,
                                                std::size_t limit) = 0;
  // Standing orders; durable, and in force on all loops, when the task is done.
  virtual ModeView mode() const = 0;
  /// Nothing: server.mode again.
  virtual Task<Done> set_mode(std::optional<config::Mode> mode) = 0;
  virtual const std::vector<queue::Suspension>& suspended() const = 0;
  virtual Task<Done> suspend(std::string pattern, std::string reason) = 0;
  /// Every suspension whose pattern fits.
  virtual Task<Done> resume(std::string pattern) = 0;
  /// Take no new mail, deliver what is there; not durable. `stop_after`: stop when nothing waits.
  virtual Task<Done> drain_queue(bool stop_after) = 0;
  virtual Task<Done> end_drain() = 0;
  /// Does a plugin report failures to their senders?
  virtual Task<bool> reports_failures() = 0;
  /// The header block of a queued message, at most 64 KiB.
  virtual std::expected<std::string, std::string> headers(const std::string& queue_id) = 0;
  /// Octets of a queued message from `offset` on, at most 256 KiB; none at its end.
  virtual std::expected<std::string, std::string> content(const std::string& queue_id,
                                                          std::uint64_t offset) = 0;
  /// The plugins of one loop, their counters summed over all.
  virtual Task<std::vector<plugin::PluginView>> plugins() = 0;
  /// A command of a plugin: the answers of all loops merged into one (control_json.hpp), JSON text.
  virtual Task<std::optional<std::string>> plugin_command(std::vector<std::string> words) = 0;
  /// Put the configuration file in force for new sessions; all of it or nothing.
  virtual Task<Reloading> reload() = 0;
  virtual void stop() = 0;
};

}  // namespace postrider::control
