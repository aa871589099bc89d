// SPDX-License-Identifier: MIT
// All deliveries of one destination, and how the destination fares: concurrency, back-off,
// couriers. Pure: time comes as an argument.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <postrider/route.hpp>

#include "queue/destination_rules.hpp"
#include "queue/due_heap.hpp"
#include "queue/scheduled.hpp"

namespace postrider::queue {

/// What an attempt taught about its destination.
enum class HostResult : std::uint8_t {
  delivered,  ///< the host took mail
  answered,   ///< the host is there, but took nothing
  failed,     ///< no host could be reached, or it shut down (421)
  untried,    ///< nothing
};

/// A courier without work that keeps its connection for a while.
class WaitingCourier {
 public:
  /// There may be work: leave the wait soon. It is off the destination's list by now.
  virtual void wake() noexcept = 0;
  /// There will be no work: leave the wait as if its limit had passed.
  virtual void dismiss() noexcept = 0;

 protected:
  ~WaitingCourier() = default;
};

struct ConcurrencyLimits {
  unsigned initial = 5;
  unsigned max = 20;
};

class DestinationQueue {
 public:
  using Place = Scheduled::Place;

  DestinationQueue(Destination destination, ConcurrencyLimits limits, std::uint64_t& steps);
  DestinationQueue(const DestinationQueue&) = delete;
  DestinationQueue& operator=(const DestinationQueue&) = delete;

  const Destination& destination() const noexcept { return destination_; }
  /// What the operator says of this destination; null: nothing. The rest is as in `limits`.
  void apply(const DestinationRule* rule, ConcurrencyLimits limits);
  const DestinationRule* rule() const noexcept { return rule_; }
  unsigned max_connections() const noexcept { return limits_.max; }

  /// Due now. In front: back where it was.
  void add_ready(Scheduled& item, bool in_front = false);
  void add_delayed(Scheduled& item, TimePoint due, bool by_host);
  /// Out of whatever list it is in.
  void remove(Scheduled& item);

  /// Delayed deliveries whose time has come become ready.
  void mature(TimePoint now);
  /// What the operator asked for first, if it is alone or the host is probed, else in turns with
  /// the rest. Of that fresh mail before retries, but every eighth is a retry so that none starves.
  /// Null: nothing may be tried now, or not by a courier that has to connect first.
  Scheduled* take(TimePoint now, bool is_connected);
  /// Somebody connects who did not say so to take().
  void note_connection(TimePoint now) noexcept { connections_.take(now); }

  /// `item` is not active any more. `back_off` is asked for the length after n failures in a row.
  void finish(Scheduled& item, HostResult result, TimePoint now,
              const std::function<Duration(std::uint32_t)>& back_off);
  /// The operator says: try now, `item` before others.
  void hurry(Scheduled& item, TimePoint now);

  bool is_in_back_off(TimePoint now) const noexcept { return now < back_off_until_; }
  TimePoint back_off_until() const noexcept { return back_off_until_; }
  /// Its rate of messages is used up until then.
  TimePoint throttled_until() const noexcept { return messages_.open_from(); }
  /// The same of new connections.
  TimePoint connects_from() const noexcept { return connections_.open_from(); }
  std::uint32_t failures() const noexcept { return failures_; }
  /// When an attempt last ended with this; nothing: none did.
  std::optional<TimePoint> last(HostResult result) const noexcept {
    return last_[static_cast<std::size_t>(result)];
  }
  bool is_proven() const noexcept { return proven_; }
  /// Attempts at once: one probe after a host failure, until something succeeds.
  unsigned limit() const noexcept;

  /// How many more couriers would have something to do now.
  std::size_t missing_couriers(TimePoint now) const noexcept;
  /// Of these, how many may be new ones, which have to connect first.
  std::size_t new_couriers(TimePoint now) const noexcept;
  /// When mature() has something to do, or what is ready may be tried; nothing: no such time.
  std::optional<TimePoint> next_event(TimePoint now) const noexcept;
  /// Neither deliveries nor couriers.
  bool is_idle() const noexcept;

  bool has_fresh() const noexcept { return !fresh_.is_empty(); }
  std::size_t ready() const noexcept { return asked_.size() + fresh_.size() + retry_.size(); }
  std::size_t delayed() const noexcept { return delayed_.size() + host_delayed_.size(); }
  std::size_t active() const noexcept { return active_; }
  /// Any delivery that is not active; null if there is none.
  Scheduled* any() const noexcept;

  // The scheduler's own notes.
  TimePoint due{};
  std::uint32_t heap_place = 0;
  bool in_heap = false;
  std::uint8_t in_lines = 0;  ///< a bit for each line in which it waits for a courier
  bool closed = false;        ///< what the gate of this version said
  std::uint32_t gate_version = 0;
  unsigned couriers = 0;
  std::vector<WaitingCourier*> waiting;
  std::string trouble;  ///< what the last attempt with a failed host said

 private:
  ScheduledList& list_of(const Scheduled& item) noexcept;
  Scheduled* first_ready() noexcept;
  void host_failed(Scheduled& item, TimePoint now,
                   const std::function<Duration(std::uint32_t)>& back_off);
  void host_answered(bool delivered);
  void wake_host_delayed();
  std::size_t couriers_between() const noexcept;

  Destination destination_;
  ConcurrencyLimits limits_;
  const DestinationRule* rule_ = nullptr;
  ScheduledList asked_;
  ScheduledList fresh_;
  ScheduledList retry_;
  DueHeap<Scheduled> delayed_;
  DueHeap<Scheduled> host_delayed_;
  std::uint64_t& steps_;
  std::size_t active_ = 0;
  double window_;  ///< concurrency; grows by one for each full window of successes
  std::uint32_t failures_ = 0;
  std::array<std::optional<TimePoint>, 4> last_;  ///< by HostResult
  unsigned turn_ = 0;
  bool asked_was_last_ = false;
  bool proven_ = false;
  TimePoint asked_at_{};  ///< when the operator last said so
  TimePoint back_off_since_{};
  TimePoint back_off_until_{};
  Pace messages_;
  Pace connections_;
};

}  // namespace postrider::queue
