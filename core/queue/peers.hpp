// SPDX-License-Identifier: MIT
// What the queues of all loops share: the ways to each other, and the limits that count for the
// whole process. Between loops only these values travel.
#pragma once

#include <atomic>
#include <optional>
#include <variant>
#include <vector>

#include <postrider/outcome.hpp>

#include "queue/envelope.hpp"
#include "queue/queued_record.hpp"
#include "runtime/channel.hpp"
#include "runtime/memory_budget.hpp"

namespace postrider::queue {

/// To the owner of a message: it is durable, take it over.
struct Handover {
  RecordPtr record;
  std::vector<RecipientStatus> recipients;
  bool recovered = false;  ///< after a start: nothing of it is to stay open
};
/// Owner to the destination's loop: deliver these recipients.
struct Work {
  RecordPtr record;
  std::uint32_t group = 0;
  std::vector<std::uint32_t> indices;
  std::uint32_t attempts = 0;
  std::optional<WallTime> due;  ///< nothing: now
  bool asked = false;           ///< by the operator, and before others
  bool last = false;            ///< their time was up before: no attempt follows the next one
  std::uint8_t heard = 0;       ///< how many outcomes of the group the owner had when it said so
};
/// The destination's loop to the owner: that work crossed an outcome; look whether it still holds.
struct Crossed {
  RecordPtr record;
  std::vector<std::uint32_t> indices;
  bool asked = false;
};
/// Owner to the destination's loop: these recipients are not to be delivered any more.
struct Withdrawal {
  RecordPtr record;
  std::uint32_t group = 0;
  std::vector<std::uint32_t> indices;
};
/// Owner to the destination's loop: the give-up time passed. The answer is an expired `Settled`, of
/// what waited, or at the end of the attempt under way, which may still succeed.
struct Expiry {
  RecordPtr record;
  std::uint32_t group = 0;
};
/// Owner to the destination's loop: the operator returns these recipients, unless an attempt is
/// under way or just ended. The answer is a `Recalled`.
struct Recall {
  RecordPtr record;
  std::uint32_t group = 0;
  std::vector<std::uint32_t> indices;
  std::uint8_t heard = 0;  ///< as in Work
};
/// The destination's loop to the owner: these recipients are out of its hands.
struct Recalled {
  RecordPtr record;
  std::uint32_t group = 0;
  std::vector<std::uint32_t> indices;  ///< all that were asked for, or none
};
/// The destination's loop to the owner: how an attempt ended, one outcome per index.
struct Settled {
  RecordPtr record;
  std::vector<std::uint32_t> indices;
  std::vector<Outcome> outcomes;        ///< none if the time expired without an attempt
  std::vector<std::uint32_t> waited{};  ///< of the indices: nobody tried these, time passed
  std::uint32_t group = 0;              ///< whose attempt ended, or who expired
  std::uint32_t attempts = 0;
  WallTime next_attempt{};
  bool expired = false;  ///< there will be no further attempt
  bool late = false;     ///< of an attempt that was given up: only success counts
  std::string damage{};  ///< the message cannot be read: whoever waits for it is held
};
/// Recovery to any loop: found in the store.
struct Adoption {
  std::vector<store::Stored> messages;
};
using PeerMessage =
    std::variant<Handover, Work, Crossed, Withdrawal, Expiry, Recall, Recalled, Settled, Adoption>;

/// [any thread] after every loop has joined, which happens before any of them runs.
class Peers {
 public:
  explicit Peers(unsigned loops, std::uint64_t memory = 64ULL << 20U)
      : inboxes_(loops), memory_(std::make_shared<runtime::MemoryBudget>(memory)) {}

  unsigned loops() const noexcept { return static_cast<unsigned>(inboxes_.size()); }
  void join(unsigned loop, runtime::Channel<PeerMessage> inbox) {
    inboxes_.at(loop).emplace(std::move(inbox));
  }
  void send(unsigned loop, PeerMessage message) const { inboxes_[loop]->send(std::move(message)); }
  /// Of messages that are kept until their first attempt. Shared with those that take from it: some
  /// outlive the queues.
  const std::shared_ptr<runtime::MemoryBudget>& memory() const noexcept { return memory_; }
  /// Pieces of the queue that were sent to loops after a start, and not yet taken over.
  std::atomic<unsigned>& adoptions() noexcept { return adoptions_; }
  /// Messages owned by all loops.
  std::atomic<std::uint64_t>& messages() noexcept { return messages_; }

 private:
  std::vector<std::optional<runtime::Channel<PeerMessage>>> inboxes_;
  std::shared_ptr<runtime::MemoryBudget> memory_;
  std::atomic<unsigned> adoptions_{0};
  std::atomic<std::uint64_t> messages_{0};
};

}  // namespace postrider::queue
