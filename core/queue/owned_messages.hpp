// SPDX-License-Identifier: MIT
// The messages one loop owns, by id, with what is counted of them and when each is given up.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "queue/destination_rules.hpp"
#include "queue/due_heap.hpp"
#include "queue/few.hpp"
#include "queue/peers.hpp"

namespace postrider::queue {

/// A message on its way into the store: a submission, or a report beside its cause.
struct NewMessage {
  Handover handover;
  store::BodyPtr body;
  runtime::MemoryCharge memory{};  ///< of the body, until it is on disk
};

/// A message whose time is up, until every destination's loop has said how its recipients ended.
struct Ending {
  std::set<std::uint32_t> awaited;          ///< groups that have not answered
  std::map<std::uint32_t, Outcome> failed;  ///< of those that have, by recipient
  std::vector<std::uint32_t> waited;        ///< of the failed: whom nobody tried at the end
};

/// A message and where its recipients stand. At most one commit of it is under way, so that no
/// older state can overtake a newer one.
struct OwnedMessage {
  /// What few messages have.
  struct Rest {
    std::vector<NewMessage> reports;    ///< to be committed with the next state
    std::vector<NewMessage> departing;  ///< reports in the commit under way
    std::unique_ptr<Ending> ending;     ///< while it is being given up
    std::string damage;                 ///< why it cannot be read; then it has no recipients
  };
  /// What is due at `due`.
  enum class Next : std::uint8_t { nothing, reminder, expiry };

  RecordPtr record;
  Few<RecipientStatus> recipients;
  std::unique_ptr<Rest> rest{};
  WallTime due{};
  std::uint32_t heap_place = 0;
  Next next = Next::nothing;
  bool saving = false;
  bool dirty = false;
  bool removing = false;  ///< the commit under way removes it
  bool vanished = false;  ///< the store does not know it
  bool unsaved = false;   ///< its commit failed and is to be repeated

  Rest& own_rest() {
    if (!rest) rest = std::make_unique<Rest>();
    return *rest;
  }
  const Ending* ending() const noexcept { return rest ? rest->ending.get() : nullptr; }
  bool is_damaged() const noexcept { return rest && !rest->damage.empty(); }
  /// Nothing is left to do or to show.
  bool is_done() const noexcept;
  MessageState state() const {
    return {record->give_up_at(), recipients.list(), record->is_give_up_ordered()};
  }
};

/// [loop thread]
class OwnedMessages {
 public:
  using Map = std::map<store::MessageId, OwnedMessage>;

  OwnedMessage& add(OwnedMessage message);
  void erase(store::MessageId id);
  OwnedMessage* find(store::MessageId id);
  const Map& all() const noexcept { return messages_; }
  Map& all() noexcept { return messages_; }

  /// Every change of a recipient's state goes through here, so that counts() needs no scan.
  void set_state(RecipientStatus& status, RecipientState state, bool gone);
  /// The operator removes a message that cannot be read.
  void forget_damage(OwnedMessage& message);
  /// `active` is left to the caller.
  const QueueCounts& counts() const noexcept { return counts_; }

  /// The next time at which some of its recipients are given up; nothing: there is none to come.
  void set_expiry(OwnedMessage& message, std::optional<WallTime> when);
  /// The delay of the message is to be told at `when`, if it is not given up before.
  void remind(OwnedMessage& message, WallTime when);
  /// A message whose reminder is due, or whose give-up time has passed. Whoever is told sets the
  /// next with set_expiry().
  /// The calendar jumped to `now`: the times of all messages move by as much, give-up times to no
  /// more than `life`, or what the message was given, from now.
  void move_times(Duration by, WallTime now, Duration life);
  struct Due {
    store::MessageId id;
    OwnedMessage::Next what;
  };
  std::optional<Due> take_due(WallTime now);
  /// When take_due() has something.
  std::optional<WallTime> next_due() const noexcept;

 private:
  std::uint64_t* count_of(RecipientState state) noexcept;
  void count(const RecipientStatus& status, int step) noexcept;

  Map messages_;
  QueueCounts counts_;
  std::uint64_t steps_ = 0;
  DueHeap<OwnedMessage> due_{steps_};
};

/// Where the recipient (index into the message) goes.
const RecipientGroup& group_of(const OwnedMessage& message, std::size_t index);
/// When its recipients are given up; `rules` may be null.
WallTime give_up_of(const QueuedRecord& record, const RecipientGroup& group,
                    const DestinationRules* rules);
/// As operators see it: one that waits while an attempt is under way is active.
RecipientState shown_state(const RecipientStatus& status, const RecipientGroup& group);
/// Why it is in that state; never empty.
std::string shown_reason(const RecipientStatus& status, RecipientState shown);
/// The message for people: each recipient has a state and a reason.
MessageView view_of(const OwnedMessage& message, const DestinationRules* rules);

}  // namespace postrider::queue
