// SPDX-License-Identifier: MIT
// The part of a conversation that is about one message: a connection carries many of them.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "conversation.hpp"

namespace postrider::protocol_log {

/// Places among the records of a conversation, as Transcript::visit counts them.
struct Excerpt {
  std::size_t opening = 0;   ///< records at the start that belong to every message
  std::size_t first = 0;     ///< the first record about this one
  std::size_t last = 0;      ///< the last one
  std::size_t outcomes = 0;  ///< how many of its recipients have an outcome here
  bool has(std::size_t place) const noexcept {
    return place < opening || (place >= first && place <= last);
  }
};

/// Nothing if no record of `conversation` names the message.
std::optional<Excerpt> excerpt_of(const Conversation& conversation, std::string_view queue_id);

}  // namespace postrider::protocol_log
