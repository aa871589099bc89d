// SPDX-License-Identifier: MIT
// What is due at `now`, and which destination may have one more courier. Pure: no I/O, no clock; it
// decides, couriers act. Every call costs O(log n), however many deliveries wait for dead hosts.
#pragma once

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "queue/destination.hpp"
#include "queue/destination_queue.hpp"
#include "queue/retry_policy.hpp"

namespace postrider::queue {

struct SchedulerOptions {
  ConcurrencyLimits concurrency;
  std::vector<Duration> back_off{1min, 2min, 5min, 10min, 15min, 30min};
  unsigned jitter_percent = 10;
  /// Couriers at work for all destinations. Destinations not known to be up get at most three
  /// quarters of them, those known to be down half, so that the dead cannot starve the living.
  unsigned max_couriers = 500;
  /// An idle destination's concurrency and back-off are remembered this long.
  Duration idle = 10min;
  std::uint64_t seed = 1;
  DestinationRulesPtr rules;  ///< may be null
};

/// [loop thread]
class Scheduler {
 public:
  explicit Scheduler(SchedulerOptions options);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// A delivery that is due now. `item` stays where it is in memory until it left.
  void add(Scheduled& item, const Destination& destination, TimePoint now);
  /// A delivery that waits until `when`, for instance after a restart.
  void add_delayed(Scheduled& item, const Destination& destination, TimePoint when, TimePoint now);
  /// Out of the scheduler, unless it is active: then the courier still ends it.
  void drop(Scheduled& item, TimePoint now);
  /// The operator asks for it: a waiting delivery is due now, before others if its host fails, and
  /// the back-off of its destination ends.
  void hurry(Scheduled& item, TimePoint now);

  /// The next delivery for a courier of `destination`, which has a connection or will connect;
  /// active until finish().
  Scheduled* take(const Destination& destination, TimePoint now, bool is_connected = false);
  /// A courier connects once more for a delivery that it has taken.
  void note_connection(const Destination& destination, TimePoint now);
  /// The active `item` ended and is out of the scheduler, unless put back or delayed again.
  void finish(Scheduled& item, HostResult result, TimePoint now);
  /// After finish(): try it again at once, before the others.
  void put_back(Scheduled& item, TimePoint now);
  /// After finish(): try it again at `when`, or when the destination's back-off ends if that is
  /// later; returns which. `by_host`: a success of the destination makes it due.
  TimePoint delay(Scheduled& item, TimePoint when, bool by_host, TimePoint now);

  /// A courier is to be started for the answer: counted from now until courier_left().
  const Destination* next_wanted(TimePoint now);
  void courier_left(const Destination& destination, TimePoint now);
  /// The courier has nothing to do; it is woken before a new one is wanted, last in first out.
  void courier_waits(const Destination& destination, WaitingCourier& courier, TimePoint now);
  /// It waits no longer of its own accord.
  void courier_resumes(const Destination& destination, WaitingCourier& courier);

  /// To which destinations no delivery is handed out; asked anew for each after this call.
  void set_gate(std::function<bool(const Destination&)> is_closed);
  /// After set_gate(): let up to `count` destinations go on that were closed until then. False:
  /// there was none left.
  bool reopen(std::size_t count, TimePoint now);

  /// When tick() is to be called; nothing: never.
  std::optional<TimePoint> next_event() const noexcept;
  void tick(TimePoint now);

  /// The operator's rules are these now.
  void set_rules(DestinationRulesPtr rules, TimePoint now);
  const DestinationRulesPtr& rules() const noexcept { return options_.rules; }
  /// What the operator says of a destination; null: nothing.
  const DestinationRule* rule_of(const Destination& destination) const;
  std::size_t destinations() const noexcept { return queues_.size(); }
  const DestinationQueue* find(const Destination& destination) const;
  void for_each(const std::function<void(const DestinationQueue&)>& each) const;
  /// For about `count` destinations from `place` (0: the first) on; the answer is where to go on,
  /// nothing: there are no more.
  std::optional<std::size_t> for_some(
      std::size_t place, std::size_t count,
      const std::function<void(const DestinationQueue&)>& each) const;
  /// Take every delivery that is not active out, for the end.
  void clear(const std::function<void(Scheduled&)>& each);
  /// Moves in lists and heaps so far: what the tests count instead of time.
  std::uint64_t steps() const noexcept { return steps_; }

 private:
  /// Who took mail; who may, for all we know; who did not: failing, or nothing but retries.
  static constexpr std::size_t kProven = 0, kUnknown = 1, kFailing = 2;

  DestinationQueue& queue_of(const Destination& destination);
  /// After any change: wake couriers, get in line for a new one, set the next event, or be
  /// forgotten.
  void review(DestinationQueue& queue, TimePoint now);
  void set_event(DestinationQueue& queue, std::optional<TimePoint> event);
  bool is_closed(DestinationQueue& queue);
  bool may_start(std::size_t line) const noexcept;
  DestinationQueue& next_in(std::size_t line);
  std::size_t line_of(const DestinationQueue& queue) const noexcept;

  SchedulerOptions options_;
  RetryPolicy back_off_;
  std::uint64_t steps_ = 0;
  struct Key : DestinationHash {
    using is_transparent = void;
    using DestinationHash::operator();
    std::size_t operator()(const std::unique_ptr<DestinationQueue>& queue) const noexcept {
      return (*this)(queue->destination());
    }
  };
  struct Same {
    using is_transparent = void;
    static const Destination& of(const Destination& destination) { return destination; }
    static const Destination& of(const std::unique_ptr<DestinationQueue>& queue) {
      return queue->destination();
    }
    bool operator()(const auto& a, const auto& b) const { return of(a) == of(b); }
  };
  std::unordered_set<std::unique_ptr<DestinationQueue>, Key, Same> queues_;
  DueHeap<DestinationQueue> events_;
  std::array<std::deque<DestinationQueue*>, 3> lines_;
  unsigned turn_ = 0;
  std::size_t working_ = 0;  ///< couriers that do not wait
  std::function<bool(const Destination&)> gate_;
  std::uint32_t gate_version_ = 0;
  std::unordered_set<DestinationQueue*> closed_;      ///< found closed by this gate
  std::unordered_set<DestinationQueue*> look_again_;  ///< by a gate before it
};

}  // namespace postrider::queue
