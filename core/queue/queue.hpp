// SPDX-License-Identifier: MIT
// The queue of one loop, as the other stages see it: take a message in durably, hand deliveries
// out when they are due, take their outcomes back durably, show and change what is there.
//
// A message is owned by one loop (the one that owns its first destination); a destination belongs
// to one loop (hash of its text). Deliveries and outcomes travel between loops by channel.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/outcome.hpp>
#include <postrider/route.hpp>
#include <postrider/task.hpp>
#include <postrider/time.hpp>

#include "queue/forecast.hpp"
#include "runtime/memory_budget.hpp"
#include "store/store.hpp"

namespace postrider::queue {

/// What the data phase knows about the octets, so that delivery need not scan them again.
struct BodyFacts {
  bool eight_bit = false;    ///< an octet above 127
  bool leading_dot = false;  ///< some line begins with a dot: stuff when sending
  bool utf8_header = false;  ///< the header block needs SMTPUTF8
};

/// A message on its way into the queue.
struct Submission {
  store::MessageId id = 0;
  Path reverse_path;
  MailParameters parameters;
  std::vector<Recipient> recipients;
  store::BodyPtr body;
  BodyFacts facts;
  bool hold = false;
  std::string session;             ///< the session's id, for the log
  runtime::MemoryCharge memory{};  ///< what a body in memory has taken, until it is on disk
};

/// The state of one queued recipient. Each has a reason and a next step (docs/queue.md).
enum class RecipientState : std::uint8_t {
  queued,     ///< waiting for its first attempt or a free connection
  active,     ///< an attempt is under way
  delayed,    ///< waiting for its next attempt
  held,       ///< waits for the operator
  delivered,  ///< done
  failed,     ///< done; visible until reported or removed
};
std::string_view state_name(RecipientState state) noexcept;

/// One message to one destination: what the scheduler hands out. The message is immutable and
/// shared; `indices` are the recipients' places in it.
class MessageRecord;
struct Delivery {
  std::shared_ptr<const MessageRecord> message;
  Destination destination;
  std::vector<std::uint32_t> indices;
  std::uint32_t attempts = 0;  ///< made before this one
  std::uint64_t ticket = 0;    ///< the queue's own: which attempt this is
  /// An attempt that is under way still is to be ended then.
  TimePoint deadline = TimePoint::max();
};

/// A queued message. What is not needed while it waits is in memory only from take() to finish().
class MessageRecord : public QueuedMessage {
 public:
  virtual store::MessageId id() const noexcept = 0;
  virtual const std::vector<Recipient>& recipients() const noexcept = 0;
  virtual const BodyFacts& facts() const noexcept = 0;
  /// The body; reads it from the store if memory has let it go. May block briefly.
  virtual store::Result<store::BodyPtr> body() const = 0;
};

/// What a finished delivery says: one outcome per index, in order.
struct DeliveryResult {
  std::vector<Outcome> outcomes;
  /// Did the next hop as a whole fail (no route, no connection, 421)? Then the destination backs
  /// off; otherwise only these recipients wait.
  bool host_failed = false;
  /// Never tried (connection reuse ended before it began): put it back, not counted as an attempt.
  bool untried = false;
  /// Why the message itself cannot be read, else empty: what is delayed in `outcomes` is held for
  /// the operator, and the destination is not to blame.
  std::string damage{};
};

/// A line of `postrider queue list` and the answer of `why`.
struct RecipientView {
  std::string address;
  RecipientState state{};
  std::string destination;
  std::uint32_t attempts = 0;
  std::optional<WallTime> next_attempt;
  WallTime give_up_at{};
  std::string status;  ///< "4.4.1"; "" before the first attempt
  std::string reason;  ///< always says something
  std::string remote;
};
struct MessageView {
  std::string queue_id;
  std::string reverse_path;
  std::uint64_t size = 0;
  WallTime arrived;
  WallTime give_up_at;  ///< but for recipients at destinations with a rule of their own
  std::vector<RecipientView> recipients;
  /// What waits for what, in order of destination, from those loops that were asked: the loop of
  /// a destination knows, and nobody else. `next_attempt` was true when the last attempt ended.
  std::vector<Forecast> forecasts{};
};
struct QueueCounts {
  std::uint64_t messages = 0;
  std::uint64_t queued = 0, active = 0, delayed = 0, held = 0, failed = 0;  ///< recipients
  std::uint64_t delivered_total = 0, failed_total = 0;                      ///< since start
  std::uint64_t destinations = 0;
};
/// Which recipients an operator means. Everything given must hold; patterns take "*" for anything.
struct Selection {
  std::string queue_id;  ///< empty: any; so the others
  std::string sender;
  std::string recipient;
  std::string destination;
  std::string reason;  ///< occurs in the reason that is shown
  std::optional<RecipientState> state;
  std::optional<WallTime> arrived_before, arrived_after;
  std::uint64_t larger_than = 0;  ///< octets of the message; 0: any
  std::uint32_t attempts = 0;     ///< at least
  std::size_t limit = 1000;       ///< messages, of list() only
  store::MessageId first = 0;     ///< the slice of a walk (queue/walk.hpp): ids from here
  store::MessageId last = ~store::MessageId{0};  ///< to here

  /// Nothing but the slice is given.
  bool is_everything() const;
};

/// When a message is given up: at a time, or so long after it arrived.
struct GiveUpTime {
  std::optional<WallTime> at{};
  Duration after{};

  WallTime of(WallTime arrived) const { return at.value_or(arrived + after); }
};

/// [loop thread] One per loop. See queue/deliveries.hpp for the side that delivery uses.
class Queue {
 public:
  virtual ~Queue() = default;

  virtual store::MessageId new_id() = 0;
  /// 13 characters of base 32, as in Received and logs.
  static std::string id_text(store::MessageId id);
  static std::optional<store::MessageId> parse_id(std::string_view text);

  /// May a message of `size` octets come in (store, memory)? 452 4.3.1 if not.
  virtual bool admits(std::uint64_t size) const noexcept = 0;
  virtual store::Store& store() noexcept = 0;

  /// Commit a message and hand it to its destinations. Done when it is durable: then, and only
  /// then, 250 may be sent. Dropping the task does not take the message back.
  virtual Task<store::Result<void>> submit(Submission submission) = 0;

  /// Operators. Each covers the messages this loop owns; the control server asks every loop. The
  /// changing ones answer how many recipients they changed; all are durable within 20 ms.
  virtual QueueCounts counts() const = 0;
  virtual std::vector<MessageView> list(const Selection& selection) const = 0;
  /// Due now, and the destination's back-off ends. Failed ones only if the selection says `failed`.
  virtual std::size_t retry(const Selection& selection) = 0;
  /// Not tried until released, not given up while held. An attempt under way still counts.
  virtual std::size_t hold(const Selection& selection) = 0;
  virtual std::size_t release(const Selection& selection) = 0;
  /// Gone for ever, without a report; whatever an attempt under way says.
  virtual std::size_t remove(const Selection& selection) = 0;
  /// Failed now, for outcome hooks to report; `why` is told to the sender. What an attempt is under
  /// way for is left as it is.
  virtual std::size_t bounce(const Selection& selection, const std::string& why) = 0;
  /// Another give-up time for messages with a selected recipient; answers how many messages. One
  /// that has passed gives them up at once; those that are given up already stay so.
  virtual std::size_t set_give_up(const Selection& selection, const GiveUpTime& time) = 0;
};

}  // namespace postrider::queue
