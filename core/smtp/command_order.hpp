// SPDX-License-Identifier: MIT
// Which command may come when (RFC 5321 section 4.1.4), and which take an argument (section 4.1.1).
#pragma once

#include <cstdint>
#include <optional>

#include <postrider/reply.hpp>

#include "smtp/command.hpp"

namespace postrider::smtp {

enum class SessionState : std::uint8_t {
  connected,  ///< before HELO, EHLO or LHLO
  greeted,    ///< no transaction
  mail,       ///< a transaction without an accepted recipient
  rcpt,       ///< a transaction with at least one
};

/// Nothing if `command` may be run in `state`; else the reply that refuses it: 503 out of order,
/// 501 for an argument missing or too many, 554 for DATA without an accepted recipient.
/// `lmtp` says which greeting the replies name. Unknown verbs pass: they have their own reply.
std::optional<Reply> check_order(const Command& command, SessionState state, bool lmtp = false);

}  // namespace postrider::smtp
