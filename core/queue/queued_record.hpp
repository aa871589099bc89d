// SPDX-License-Identifier: MIT
// A message in the queue: its envelope, its body while memory keeps it, and its recipients grouped
// by destination. Shared by the loop that owns it and the loops that deliver it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "queue/envelope.hpp"
#include "queue/memory_budget.hpp"
#include "queue/scheduled.hpp"

namespace postrider::queue {

class QueuedRecord;

/// The recipients of one message that go to one destination. After the message was handed over,
/// all but `destination` and `is_active` belongs to the loop that owns the destination.
struct RecipientGroup : Scheduled {
  Destination destination;
  std::vector<std::uint32_t> indices;  ///< not finished: waiting or under way
  std::uint32_t attempts = 0;
  bool again = false;                   ///< due at once after the attempt under way
  std::atomic<bool> is_active = false;  ///< for the owner's answers only
  std::uint32_t number = 0;
  std::shared_ptr<QueuedRecord> keep;  ///< while the scheduler knows this group
};

class QueuedRecord final : public MessageRecord {
 public:
  QueuedRecord(store::MessageId id, Envelope envelope, WallTime give_up_at, std::uint64_t size,
               store::Store& store, MemoryBudget& budget);
  ~QueuedRecord() override;

  const std::string& queue_id() const noexcept override { return queue_id_; }
  const Path& reverse_path() const noexcept override { return envelope_.reverse_path; }
  const MailParameters& parameters() const noexcept override { return envelope_.parameters; }
  WallTime arrived() const noexcept override { return envelope_.arrived; }
  WallTime give_up_at() const noexcept override { return give_up_at_; }
  std::uint64_t size() const noexcept override { return size_; }
  std::string read(std::uint64_t offset, std::size_t length) const override;
  std::string_view memory() const noexcept override;

  store::MessageId id() const noexcept override { return id_; }
  const std::vector<Recipient>& recipients() const noexcept override {
    return envelope_.recipients;
  }
  const BodyFacts& facts() const noexcept override { return envelope_.facts; }
  store::Result<store::BodyPtr> body() const override;
  const Envelope& envelope() const noexcept { return envelope_; }

  /// One group per destination, in the order of the first recipients. Before the hand-over only.
  void group_by(const std::vector<Destination>& destinations);
  std::vector<RecipientGroup>& groups() noexcept { return groups_; }

  /// Keep a small body in memory until let_go(), if the budget allows.
  void keep(store::BodyPtr body);
  /// Memory is needed for others: let the body go as soon as nobody uses it.
  void let_go() noexcept;
  /// While something uses the message, memory() stays valid and body() is read at most once.
  void begin_use() noexcept;
  void end_use() noexcept;

 private:
  void drop_body() noexcept;

  const store::MessageId id_;
  const std::string queue_id_;
  const Envelope envelope_;
  const WallTime give_up_at_;
  const std::uint64_t size_;
  store::Store& store_;
  MemoryBudget& budget_;
  std::vector<RecipientGroup> groups_;

  mutable std::mutex mutex_;
  mutable store::BodyPtr body_;
  std::uint64_t charged_ = 0;  ///< octets of the budget
  unsigned uses_ = 0;
  bool kept_ = false;
};
using RecordPtr = std::shared_ptr<QueuedRecord>;

/// Uses a message as long as it lives.
class RecordUse {
 public:
  explicit RecordUse(RecordPtr record) : record_(std::move(record)) { record_->begin_use(); }
  RecordUse(const RecordUse&) = delete;
  RecordUse& operator=(const RecordUse&) = delete;
  ~RecordUse() { record_->end_use(); }

 private:
  RecordPtr record_;
};

}  // namespace postrider::queue
