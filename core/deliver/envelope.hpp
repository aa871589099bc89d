// SPDX-License-Identifier: MIT
// One delivery on its way (Consignment) and the part of it that one transaction carries (Envelope):
// its commands, and what is already known of each recipient.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "deliver/outcome.hpp"
#include "queue/queue.hpp"
#include "smtp/capabilities.hpp"

namespace postrider::deliver {

/// A message for some recipients of one destination, until each has an outcome.
struct Consignment {
  explicit Consignment(queue::Delivery d);
  queue::Delivery delivery;
  std::vector<std::optional<Outcome>> outcomes;  ///< one per index of the delivery
  bool host_failed = false;
  std::string damage;  ///< why the message itself cannot be read, else empty

  bool is_settled() const noexcept;
  const Recipient& recipient(std::size_t place) const;
  const queue::MessageRecord& message() const noexcept { return *delivery.message; }
  /// The store could not read the message: notes it if that is for good. The outcome for all.
  Outcome unreadable(const store::Error& error);
  /// Give all recipients without an outcome this one.
  void settle(const Outcome& outcome);
};

/// What one transaction carries, and how far it got.
struct Envelope {
  Consignment* consignment = nullptr;
  std::vector<std::size_t> places;  ///< recipients, as places in the delivery's indices
  std::string commands;             ///< MAIL, RCPT..., DATA, perhaps RSET before; CRLF lines
  std::size_t sent = 0;             ///< octets of `commands` written
  bool resets = false;              ///< begins with RSET
  bool answered = false;            ///< the next hop replied to one of the commands
  bool accepted = false;            ///< it accepted a recipient

  /// The next command that was not written yet, with its CRLF.
  std::string_view next_command() const;
};

/// The next transaction of `consignment` to a host of these abilities: recipients without outcome,
/// at most `limit`. Those the host cannot serve get theirs here (RFC 1870 section 6.1: 5.3.4,
/// RFC 6152: 5.6.3, RFC 6531: 5.6.7 and 5.6.9). Only offered parameters are sent. Nothing if no
/// recipient is left.
std::optional<Envelope> make_envelope(Consignment& consignment, const Remote& remote,
                                      const smtp::Capabilities& capabilities, std::size_t limit,
                                      bool reset_first);

}  // namespace postrider::deliver
