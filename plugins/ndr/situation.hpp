// SPDX-License-Identifier: MIT
// What one report tells: a message, the recipients the sender wants to hear of (RFC 3461 section
// 4.1), and what is returned of the message. All that the parts of the report are made from.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <postrider/outcome.hpp>

namespace postrider::ndr {

/// One recipient in a report. The outcome's status is of the class that its action demands.
struct Told {
  RecipientOutcome what;
  std::size_t place = 0;  ///< in the outcomes the hook was called with
};

struct Situation {
  std::string hostname;  ///< ours
  WallTime now{};
  Path to;
  const QueuedMessage* message = nullptr;
  std::vector<Told> recipients;  ///< at least one
  /// To an address with UTF-8: the way there takes 8 bits (RFC 6531 section 3.1), so that the types
  /// of RFC 6533 may be used as they are. Otherwise the whole report is ASCII.
  bool utf8 = false;
  /// The message was sent with SMTPUTF8: its parts have the types of RFC 6533.
  bool global = false;
  std::string date;
  std::string message_id;  ///< of the report, with its angle brackets

  /// The gravest action: failed, delayed, relayed, delivered.
  Action gravest() const noexcept;
};

/// Does the sender want to hear of this one? `age`: of the message. `notice` zero: delays are not
/// told.
bool is_wanted(const RecipientOutcome& outcome, Duration age, Duration notice) noexcept;

/// The wanted ones.
std::vector<Told> wanted(std::span<const RecipientOutcome> outcomes, Duration age, Duration notice);

/// The failed ones.
std::vector<Told> failed(std::span<const RecipientOutcome> outcomes);

}  // namespace postrider::ndr
