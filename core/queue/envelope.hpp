// SPDX-License-Identifier: MIT
// What is stored about a message beside its octets: the envelope, which never changes, and the
// state of its recipients, which does.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <postrider/time.hpp>

#include "queue/queue.hpp"

namespace postrider::queue {

/// The immutable part: RFC 5321 section 2.3.1, with what we know about arrival and body.
struct Envelope {
  Path reverse_path;
  MailParameters parameters;
  std::vector<Recipient> recipients;
  WallTime arrived{};
  BodyFacts facts;
  std::string session;
};

/// What was last said of a recipient: by a next hop, by the queue or by the operator. Each text has
/// at most 512 octets.
struct LastWord {
  EnhancedStatus status;  ///< of the last attempt
  std::string reason;
  std::string remote;  ///< who said so; "" if we did ourselves
  Reply reply{};       ///< of the last attempt; code 0: none
  bool operator==(const LastWord&) const = default;
};
struct LastWordHash {
  std::size_t operator()(const LastWord& word) const noexcept;
};
/// Shared by all recipients of whom the same was said; null: nothing was.
using LastWordPtr = std::shared_ptr<const LastWord>;

/// Where one recipient stands. `active` is never stored: after a crash it is tried again.
struct RecipientStatus {
  RecipientState state = RecipientState::queued;
  /// Nothing more to do and nothing to show: delivered, failed and reported, or removed.
  bool gone = false;
  /// Who is at work on its end: outcome hooks, and the wait for the other destinations of a message
  /// whose time is up. Not stored. Until it is zero nothing may try it again.
  std::uint8_t settling = 0;
  bool ends = false;  ///< one of them is at work on a definite end; not stored
  /// Its time is up, and its destination was asked if it waited; not stored.
  bool given_up = false;
  bool delay_reported = false;  ///< the sender was told that it waits
  /// A report of the delay is being written; not stored.
  bool delay_asked = false;
  std::uint32_t attempts = 0;
  std::uint32_t group = 0;  ///< its place in QueuedRecord::groups(); not stored
  WallTime next_attempt{};  ///< delayed only
  LastWordPtr word;

  /// An empty one if nothing was said.
  const LastWord& last() const noexcept;
  void begin_settling(bool is_end) noexcept {
    ++settling;
    ends = ends || is_end;
  }
  void end_settling() noexcept {
    if (--settling == 0) ends = false;
  }
  /// The rest of the last word stays.
  void give_reason(std::string reason);
};

/// The replaceable part.
struct MessageState {
  WallTime give_up_at{};  ///< but for destinations with a rule of their own
  std::vector<RecipientStatus> recipients;
  bool give_up_ordered = false;  ///< the operator said so: for all destinations
};

}  // namespace postrider::queue
