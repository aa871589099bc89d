// SPDX-License-Identifier: MIT
// Envelopes and states as one line of text each, the form in which the store keeps them. The first
// field is the version: "e1", "s1". What cannot be read is said, never guessed and never fatal.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "queue/envelope.hpp"

namespace postrider::queue {

std::string encode(const Envelope& envelope);
std::string encode(const MessageState& state);

/// The error says in plain words which part cannot be read.
std::expected<Envelope, std::string> decode_envelope(std::string_view line);
/// `recipients`: how many there must be.
std::expected<MessageState, std::string> decode_state(std::string_view line,
                                                      std::size_t recipients);

}  // namespace postrider::queue
