// SPDX-License-Identifier: MIT
// A message in the queue: its recipients grouped by destination, and, while it is open, its
// envelope and body. Shared by the loop that owns it and the loops that deliver it. What waits is
// closed: it holds neither addresses nor octets, the store has them.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "queue/destination.hpp"
#include "queue/envelope.hpp"
#include "queue/few.hpp"
#include "queue/scheduled.hpp"
#include "runtime/memory_budget.hpp"

namespace postrider::queue {

class QueuedRecord;
struct DestinationRule;

/// The recipients of one message that go to one destination. After the message was handed over,
/// all but `destination`, `is_active` and `heard` belongs to the loop that owns the destination.
struct RecipientGroup : Scheduled {
  bool again = false;                   ///< due at once after the attempt under way
  bool last = false;                    ///< the owner says that time is up: no further attempt
  std::atomic<bool> is_active = false;  ///< for the owner's answers only
  std::uint8_t told = 0;                ///< outcomes sent to the owner; counted modulo 256
  std::uint8_t heard = 0;               ///< the owner's own: of these, how many it has
  std::uint32_t attempts = 0;
  std::uint32_t number = 0;
  DestinationPtr destination;
  Few<std::uint32_t> indices;          ///< not finished: waiting or under way; they ascend
  std::shared_ptr<QueuedRecord> keep;  ///< while the scheduler knows this group
};

/// A lock of one octet: a million messages have one each. Held for a few instructions.
class SmallLock {
 public:
  void lock() noexcept {
    while (flag_.test_and_set(std::memory_order_acquire)) flag_.wait(true);
  }
  void unlock() noexcept {
    flag_.clear(std::memory_order_release);
    flag_.notify_one();
  }

 private:
  std::atomic_flag flag_;
};

class QueuedRecord final : public MessageRecord {
 public:
  /// Open; until let_go() or keep().
  QueuedRecord(store::MessageId id, Envelope envelope, WallTime give_up_at, std::uint64_t size,
               store::Store& store);
  ~QueuedRecord() override;

  // What needs no use.
  store::MessageId id() const noexcept override { return id_; }
  WallTime arrived() const noexcept override { return arrived_; }
  WallTime give_up_at() const noexcept override { return give_up_at_.load(); }
  std::uint64_t size() const noexcept override { return size_; }
  /// From the null path: nobody is ever told of its delay.
  bool has_null_sender() const noexcept { return null_sender_; }

  // While the record is in use, see begin_use().
  const std::string& queue_id() const noexcept override { return open_->queue_id; }
  const Path& reverse_path() const noexcept override { return envelope().reverse_path; }
  const MailParameters& parameters() const noexcept override { return envelope().parameters; }
  const std::vector<Recipient>& recipients() const noexcept override {
    return envelope().recipients;
  }
  const BodyFacts& facts() const noexcept override { return envelope().facts; }
  const Envelope& envelope() const noexcept { return open_->envelope; }
  std::string read(std::uint64_t offset, std::size_t length) const override;
  std::string_view memory() const noexcept override;
  store::Result<store::BodyPtr> body() const override;

  /// By the owner's loop only; others see it from now on. `ordered`: by the operator.
  void set_give_up(WallTime when, bool ordered) noexcept {
    give_up_at_.store(when);
    give_up_ordered_.store(ordered);
  }
  /// By the owner's loop only: the calendar jumped to `now`. The give-up time moves by as much, to
  /// no more than `life`, or what the message was given, from now.
  void move_times(Duration by, WallTime now, Duration life) noexcept;
  bool is_give_up_ordered() const noexcept { return give_up_ordered_.load(); }
  /// For a destination of which the operator says `rule` (null: nothing). What he says of the
  /// message stands before that.
  WallTime give_up_at(const DestinationRule* rule) const noexcept;

  /// One group per destination, in the order of the first recipients. Equal destinations are the
  /// same pointer. Before the hand-over only.
  void group_by(const std::vector<DestinationPtr>& destinations);
  Few<RecipientGroup>& groups() noexcept { return groups_; }

  /// Stay open, with a small body, until let_go(), if the budget allows.
  void keep(store::BodyPtr body, const std::shared_ptr<runtime::MemoryBudget>& budget);
  /// Memory is needed for others: close as soon as nobody uses it.
  void let_go() noexcept;
  /// From here to end_use() the record is open, which may take a read of the store: memory() stays
  /// valid and body() is read at most once. An error: the envelope cannot be read, and nothing
  /// began.
  store::Result<void> begin_use();
  void end_use() noexcept;

 private:
  struct Open {
    std::string queue_id;
    Envelope envelope;
    store::BodyPtr body{};
    std::shared_ptr<runtime::MemoryBudget> budget{};  ///< from which it took
    std::uint64_t charged = 0;                        ///< octets
    bool keeps_body = false;                          ///< while nobody uses it, too
  };
  using OpenPtr = std::unique_ptr<Open>;

  store::Result<OpenPtr> load() const;
  OpenPtr closed() noexcept;
  void dispose(OpenPtr open) noexcept;

  const store::MessageId id_;
  const WallTime arrived_;
  std::atomic<WallTime> give_up_at_;
  std::atomic<Duration> moved_{};  ///< by jumps of the calendar since we know it
  const std::uint64_t size_;
  const bool null_sender_;
  store::Store& store_;
  OpenPtr open_;
  std::uint32_t uses_ = 0;
  bool kept_ = true;
  mutable SmallLock lock_;
  std::atomic<bool> give_up_ordered_ = false;
  Few<RecipientGroup> groups_;
};
using RecordPtr = std::shared_ptr<QueuedRecord>;

/// Uses a message as long as it lives.
class RecordUse {
 public:
  explicit RecordUse(RecordPtr record) : record_(std::move(record)), begun_(record_->begin_use()) {}
  RecordUse(const RecordUse&) = delete;
  RecordUse& operator=(const RecordUse&) = delete;
  ~RecordUse() {
    if (begun_) record_->end_use();
  }
  /// Whether the envelope could be read.
  explicit operator bool() const noexcept { return begun_.has_value(); }
  const store::Error& error() const noexcept { return begun_.error(); }

 private:
  RecordPtr record_;
  store::Result<void> begun_;
};

}  // namespace postrider::queue
