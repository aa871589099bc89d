// SPDX-License-Identifier: MIT
// The queue of one loop: owner of the messages whose first destination is its own, scheduler of the
// deliveries to its destinations. What is durable when, is told in docs/queue.md.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <postrider/log.hpp>

#include "plugin/chains.hpp"
#include "queue/deliveries.hpp"
#include "queue/gate.hpp"
#include "queue/interned.hpp"
#include "queue/owned_messages.hpp"
#include "queue/peers.hpp"
#include "queue/scheduler.hpp"
#include "queue/tally.hpp"
#include "runtime/runtime.hpp"
#include "runtime/task_set.hpp"

namespace postrider::queue {

/// The settings of a queue. Lengths of time in milliseconds, as everywhere.
struct QueueOptions {
  std::string hostname;  ///< ours: where the bare Postmaster's mail goes
  /// After the first, second, ... attempt; the last repeats. RFC 5321 section 4.5.4.1.
  std::vector<Duration> retry{5min, 15min, 30min, 1h, 2h, 4h};
  unsigned retry_jitter = 10;  ///< percent
  Duration give_up = 5 * 24h;  ///< from arrival
  SchedulerOptions scheduler;
  Duration attempt_limit = 1h;  ///< of one attempt; then its courier ends it
  Duration save_retry = 1s;     ///< after a commit of a state failed
  /// A message that is not on disk by then is not taken, and taken back if it gets there later.
  /// Below the 10 min that clients wait (RFC 5321 section 4.5.3.2.6).
  Duration commit_timeout = 5min;
  std::uint64_t max_messages = 2'000'000;  ///< in all loops; beyond, admits() is false
  std::uint64_t seed = 1;
};

/// What a queue stands on. References outlive it; the store is closed before the runtime ends.
struct QueueParts {
  runtime::Runtime& runtime;
  store::Store& store;
  Log& log;
  std::shared_ptr<Peers> peers;  ///< shared by all loops; the queue joins as `loop`
  unsigned loop = 0;
  /// The plugins under the present configuration; may be empty or answer null.
  std::function<plugin::ChainsPtr()> chains;
  QueueOptions options;
};

/// How a destination fares, for `postrider destinations`.
struct DestinationView {
  std::string destination;
  std::size_t ready = 0, delayed = 0, active = 0;  ///< deliveries
  unsigned couriers = 0;
  unsigned limit = 0;          ///< attempts at once
  std::uint32_t failures = 0;  ///< of the host, in a row
  Duration back_off{};         ///< still to go
  /// When an attempt last ended so; nothing: not since the destination is known.
  std::optional<WallTime> last_success{};  ///< it took mail
  std::optional<WallTime> last_answer{};   ///< it is there, but took nothing
  std::optional<WallTime> last_failure{};  ///< no host could be reached, or it shut down
  std::string trouble{};                   ///< what the last failure was; "" after a success
  std::optional<Closure> closed{};         ///< why nothing is tried; nothing: something may be
  unsigned max_connections = 0;
  /// The operator's rule for it, kept alive; null: it is treated as all others.
  std::shared_ptr<const DestinationRule> rule{};
};

/// [loop thread] but for construction and destruction, which happen while no loop runs.
class LoopQueue final : public Queue, public Deliveries {
 public:
  explicit LoopQueue(QueueParts parts);
  LoopQueue(const LoopQueue&) = delete;
  LoopQueue& operator=(const LoopQueue&) = delete;
  ~LoopQueue() override;

  // Queue
  store::MessageId new_id() override { return store_.new_id(); }
  bool admits(std::uint64_t size) const noexcept override;
  store::Store& store() noexcept override { return store_; }
  Task<store::Result<void>> submit(Submission submission) override;
  QueueCounts counts() const override;
  std::vector<MessageView> list(const Selection& selection) const override;
  std::size_t retry(const Selection& selection) override;
  std::size_t hold(const Selection& selection) override;
  std::size_t release(const Selection& selection) override;
  std::size_t remove(const Selection& selection) override;
  std::size_t bounce(const Selection& selection, const std::string& why) override;
  std::size_t set_give_up(const Selection& selection, const GiveUpTime& time) override;

  // Deliveries
  void on_courier_wanted(std::function<void(const Destination&)> start) override;
  std::optional<Delivery> take(const Destination& destination, bool is_connected = false) override;
  void note_connection(const Destination& destination) override;
  Task<bool> wait(const Destination& destination, Duration limit) override;
  void finish(Delivery delivery, DeliveryResult result) override;
  void courier_left(const Destination& destination) override;
  void dismiss_couriers() override;

  /// Count what is selected, on top of what `table` has.
  void tally(const Selection& selection, TallyKey key, TallyTable& table) const;
  /// The newest message of this loop; 0: there is none.
  store::MessageId newest() const noexcept;
  /// The last message of a slice from `first` on that has about `size` recipients, at least one
  /// message. Nothing: there is none from `first` on.
  std::optional<store::MessageId> slice_end(store::MessageId first, std::size_t size) const;
  /// Commits come back many at a time, a flush is theirs: who makes many waits while there are more
  /// than these, so that they do not hold the loop for long and new mail does not wait behind them.
  static constexpr std::size_t kMostCommits = 300;
  /// On their way to the disk.
  std::size_t commits_under_way() const noexcept { return commits_; }
  /// The operator's rules are these now, for attempts that begin and waits that are decided from
  /// now on.
  void set_rules(DestinationRulesPtr rules);
  /// One line per destination of this loop.
  std::vector<DestinationView> destinations() const;
  /// A message that this loop owns; null if it owns none of that id.
  RecordPtr record(const std::string& queue_id);
  /// What the recipients of a message wait for whose destinations are this loop's.
  std::vector<Forecast> forecasts(QueuedRecord& record) const;
  /// The same a slice at a time: from `place` (0: the first) on. The answer is where to go on;
  /// nothing: all were shown. A destination that comes or goes between two slices can make others
  /// be shown twice or not at all.
  std::optional<std::size_t> destinations(std::size_t place,
                                          const std::function<void(DestinationView)>& each) const;
  /// What the operator closes from now on, and opens. Attempts under way are not stopped.
  void set_gate(GatePtr gate);
  /// A message that recovery found. It goes to its owner, whichever loop that is; what cannot be
  /// read is held and shown with the reason.
  void adopt(store::Stored stored);
  /// For how long commits have waited and none has ended; 0 if none waits.
  Duration disk_wait() const noexcept;
  /// Nothing of this loop is on its way to the disk or waits to be written again, and no report is
  /// being written.
  bool is_settled() const noexcept {
    return commits_ == 0 && unsaved_.empty() && tasks_.is_empty();
  }

 private:
  friend class CourierWait;
  struct Attempt {
    RecordPtr record;
    std::uint32_t group = 0;
    std::size_t recipients = 0;
    bool is_first = false;
    TimePoint deadline;
  };
  /// Recipients of a message that the operator returns: the loops of their destinations are asked.
  struct Returning {
    std::string why;
    std::set<std::uint32_t> awaited;     ///< groups that have not answered
    std::vector<std::uint32_t> indices;  ///< who is returned; no attempt begins for these
  };
  struct Alarm final : Timer {
    explicit Alarm(LoopQueue& owner) : queue(owner) {}
    void expired() noexcept override { queue.turn(); }
    LoopQueue& queue;
  };
  struct Adopter final : Timer {
    explicit Adopter(LoopQueue& owner) : queue(owner) {}
    void expired() noexcept override { queue.adopt_piece(); }
    LoopQueue& queue;
  };
  struct PendingCommit;

  // Taking in (loop_queue.cpp)
  std::vector<DestinationPtr> destinations_of(const std::vector<Recipient>& recipients,
                                              plugin::Chains* chains);
  NewMessage prepare(Submission submission, plugin::Chains* chains);
  store::Add to_add(const NewMessage& message) const;
  void commit(store::Transaction transaction, store::Durability durability,
              std::move_only_function<void(LoopQueue&, store::Result<void>)> done);
  void accepted(NewMessage message);
  void take_back(NewMessage message);
  void receive(PeerMessage message);
  void send(unsigned loop, PeerMessage message);
  unsigned loop_of_group(const RecipientGroup& group) const noexcept;
  void adopt_piece() noexcept;
  void own(Handover handover);
  void dispatch(OwnedMessage& message);
  void hand_out(OwnedMessage& message, const RecipientGroup& group,
                const std::vector<std::uint32_t>& indices, bool asked);
  plugin::ChainsPtr chains() const { return chains_ ? chains_() : nullptr; }

  // Delivering (loop_queue_deliveries.cpp)
  void work(Work work);
  void withdraw(const Withdrawal& withdrawal);
  void expire(const Expiry& expiry);
  void leave(RecipientGroup& group);
  void tell(RecipientGroup& group, Settled settled);
  bool open(RecipientGroup& group);
  void end_attempt(const Attempt& attempt, std::vector<std::uint32_t> indices,
                   DeliveryResult result);
  void open_later(RecipientGroup& group, const store::Error& error);
  void put_back(const RecordPtr& record, RecipientGroup& group);
  bool is_over(const QueuedRecord& record, const RecipientGroup& group) const noexcept;
  void reschedule(RecipientGroup& group, bool host_failed, Settled& settled);
  void late(Delivery delivery, DeliveryResult result);
  void watch_attempts();
  WallTime wall_of(TimePoint time) const noexcept;
  TimePoint time_of(WallTime wall) const noexcept;
  void turn() noexcept;
  void pump();
  void set_alarm();

  // What the operator returns (loop_queue_returns.cpp)
  std::size_t bounce(OwnedMessage& message, const Selection& selection, const std::string& why);
  void recall(Recall recall);
  void recalled(Recalled answer);

  // What the operator closes (loop_queue_gate.cpp)
  static Task<void> reopen(LoopQueue& queue);
  DestinationView destination_view(const DestinationQueue& queue) const;

  // Settling (loop_queue_outcomes.cpp)
  void hear(Settled settled);
  void settle(Settled settled);
  static std::string reason_of(const Outcome& outcome);
  std::vector<RecipientOutcome> outcomes_of(const OwnedMessage& message,
                                            const Settled& settled) const;
  Task<void> report(Settled settled, std::vector<RecipientOutcome> outcomes,
                    plugin::ChainsPtr chains, std::unique_ptr<RecordUse> use);
  void apply(OwnedMessage& message, const Settled& settled, plugin::Reports written,
             plugin::Chains* chains);
  static bool is_any_left(const OwnedMessage& message, const std::vector<std::uint32_t>& indices);
  void warn_of_silence(const OwnedMessage& message, const Settled& settled);
  void add_reports(OwnedMessage& message, const std::vector<std::uint32_t>& indices,
                   std::vector<Report> reports, plugin::Chains* chains);
  void apply_one(OwnedMessage& message, std::uint32_t index, const Outcome& outcome,
                 const Settled& settled, bool reported);
  std::optional<NewMessage> prepare_report(Report report, plugin::Chains* chains);
  void hold_damaged(OwnedMessage& message, const std::string& damage);
  void log_outcome(const OwnedMessage& message, std::uint32_t index, const LastWord& word,
                   Action action);
  std::string age_of(const OwnedMessage& message) const;
  void save(OwnedMessage& message);
  void saved(store::MessageId id, const store::Result<void>& result);
  void save_failed(OwnedMessage& message, const store::Error& error);
  void save_again();
  void settle_later(Settled settled, const store::Error& error);
  void settle_again();
  void hold_unread(OwnedMessage& message, const Settled& settled, const store::Error& error);
  void hold_for_operator(OwnedMessage& message, const std::vector<std::uint32_t>& indices,
                         const std::string& reason);

  // Giving up (loop_queue_give_up.cpp)
  void mind_time();
  void watch_time(OwnedMessage& message);
  static Task<void> watch_times(LoopQueue& queue);
  void mind_calendar();
  void give_up(OwnedMessage& message, std::optional<std::uint32_t> answered);
  void end(OwnedMessage& message, Settled& settled);
  void complete(const OwnedMessage& message, Settled& settled) const;
  void keep_back(OwnedMessage& message, Settled& settled);
  void tell_all(OwnedMessage& message, Settled& settled);
  static std::vector<std::uint32_t> take_kept_back(OwnedMessage& message);

  // Delays (loop_queue_delays.cpp)
  void remind_later(OwnedMessage& message);
  void tell_delay(OwnedMessage& message);
  Task<void> report_delay(Settled settled, std::vector<RecipientOutcome> outcomes,
                          plugin::ChainsPtr chains, std::unique_ptr<RecordUse> use);

  // What is next (loop_queue_forecast.cpp)
  Forecast forecast(const RecipientGroup& group) const;
  Forecast forecast_ready(const DestinationQueue& home, Forecast forecast) const;

  // Operating (loop_queue_operators.cpp)
  using Change = std::function<bool(RecipientStatus&)>;
  using After = std::function<void(OwnedMessage&, const std::vector<std::uint32_t>&)>;
  std::size_t change(const Selection& selection, const Change& one, const After& after);
  std::size_t change(OwnedMessage& message, const Selection& selection, const Change& one,
                     const After& after);
  void look_again(const Crossed& crossed);
  void withdraw_everywhere(const OwnedMessage& message, const std::vector<std::uint32_t>& indices);
  void hand_out_everywhere(OwnedMessage& message, const std::vector<std::uint32_t>& indices,
                           bool asked = false);

  runtime::Runtime& runtime_;
  store::Store& store_;
  Log& log_;
  std::shared_ptr<Peers> peers_;
  const unsigned loop_;
  std::function<plugin::ChainsPtr()> chains_;
  const QueueOptions options_;
  RetryPolicy retry_;
  Scheduler scheduler_;
  GatePtr gate_;  ///< null: everything is open
  OwnedMessages owned_;
  Interned<Destination, DestinationHash> names_;
  Interned<LastWord, LastWordHash> words_;
  std::function<void(const Destination&)> start_courier_;
  std::map<std::uint64_t, Attempt> attempts_;  ///< under way, by ticket: the oldest first
  std::set<std::uint64_t> lost_;               ///< tickets of attempts that were given up
  std::map<store::MessageId, Returning> returns_;
  std::uint64_t next_ticket_ = 1;
  std::uint64_t active_queued_ = 0, active_delayed_ = 0;
  std::uint64_t delivered_total_ = 0, failed_total_ = 0;
  std::deque<store::MessageId> unsaved_;  ///< whose commit failed or whose times moved; each once
  std::vector<Settled> unread_;           ///< whose message the disk does not read for the moment
  std::optional<TimePoint> save_again_at_;
  std::optional<TimePoint> alarm_at_;
  std::size_t commits_ = 0;
  TimePoint last_commit_{};  ///< when one ended, or the only one began
  bool save_trouble_ = false;
  bool saving_again_ = false;  ///< slice by slice, until all are or one fails again
  std::optional<TimePoint> settle_again_at_;
  bool read_trouble_ = false;
  std::optional<Duration> calendar_;  ///< how far the calendar is ahead of the time that passes
  bool pumping_ = false;
  /// Posts that come after our end find null. Read on the loop only.
  std::shared_ptr<LoopQueue*> self_;
  Alarm alarm_{*this};
  std::deque<Adoption> found_;  ///< by recovery; a piece in each turn of the loop
  Adopter adopter_{*this};
  runtime::TaskSet tasks_;  ///< reports being written; the first to go
};

}  // namespace postrider::queue
