// SPDX-License-Identifier: MIT
// How an attempt ended, recipient by recipient, in the words of RFC 3464 section 2.3.3.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/ip_address.hpp>
#include <postrider/path.hpp>
#include <postrider/reply.hpp>
#include <postrider/time.hpp>
#include <postrider/transaction.hpp>

namespace postrider {

enum class Action : std::uint8_t { delivered, delayed, relayed, expanded, failed };

/// The phase of an SMTP delivery, for logs and reports.
enum class Phase : std::uint8_t {
  route,
  connect,
  greeting,
  helo,
  tls,
  auth,
  mail,
  rcpt,
  data,
  body,
  final_dot,
  transport,
  queue
};
std::string_view phase_name(Phase phase) noexcept;
std::string_view action_name(Action action) noexcept;

struct Outcome {
  Action action = Action::delayed;
  EnhancedStatus status;       ///< always set
  Phase phase = Phase::queue;  ///< where it was decided
  /// The whole reason in plain words, one line.
  std::string text;
  /// Who said so: host name and address of the next hop; "" if we did ourselves.
  std::string remote;
  /// The remote's own reply; code 0 if it gave none.
  Reply reply;
  /// Of a delivery: the next hop offers DSN and got its parameters, so success is its to report
  /// (RFC 3461 section 5.2.2).
  bool passed_on = false;
};

/// A queued message, as delivery and outcome hooks see it. Immutable while they run.
class QueuedMessage {
 public:
  virtual ~QueuedMessage() = default;
  virtual const std::string& queue_id() const noexcept = 0;
  virtual const Path& reverse_path() const noexcept = 0;
  virtual const MailParameters& parameters() const noexcept = 0;
  virtual WallTime arrived() const noexcept = 0;
  /// But for recipients at destinations with a time of their own: RecipientOutcome::give_up_at.
  virtual WallTime give_up_at() const noexcept = 0;
  /// Octets of the message, trace fields included.
  virtual std::uint64_t size() const noexcept = 0;
  /// Up to `length` octets at `offset`; fewer at the end; empty on a read error.
  virtual std::string read(std::uint64_t offset, std::size_t length) const = 0;
  /// The whole message when it is in memory, else empty.
  virtual std::string_view memory() const noexcept = 0;
};

/// A recipient and how its attempt ended.
struct RecipientOutcome {
  Recipient recipient;
  Outcome outcome;
  std::uint32_t attempts = 0;  ///< this one included
  /// Did an attempt end just now? Otherwise time passed: Action::delayed tells how long it waits,
  /// Action::failed that it was given up.
  bool attempted = true;
  /// A former report told the sender of the delay (Report::delays_told).
  bool delay_reported = false;
  /// Until then it is tried, if it is delayed.
  WallTime give_up_at{};
};

/// A report to be queued in the same durable step as the outcomes it is about (RFC 3464). Its
/// reverse-path is null, always (RFC 5321 section 4.5.5).
struct Report {
  Path to;
  std::string octets;  ///< header and body, CRLF lines
  bool smtputf8 = false;
  /// Places in the outcomes whose delay this report tells. The queue keeps that, in the same step,
  /// as RecipientOutcome::delay_reported.
  std::vector<std::size_t> delays_told{};
};

}  // namespace postrider
