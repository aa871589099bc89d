// SPDX-License-Identifier: MIT
// What is remembered of one connection until its verdict: how far it got and how much it moved.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <postrider/protocol_event.hpp>

namespace postrider::protocol_log {

class Conversation {
 public:
  void note(const ProtocolEvent& event);
  /// The last record of a connection: who closed (as the event says), in which phase, octets,
  /// messages, time to banner, and the likely cause where it is telling.
  std::string verdict(const ProtocolEvent& closed) const;

 private:
  void note_command(std::string_view line);
  std::string_view likely_cause(const ProtocolEvent& closed) const;
  std::string phase_ = "before the banner";
  std::optional<Duration> banner_;
  std::uint64_t octets_in_ = 0;
  std::uint64_t octets_out_ = 0;
  unsigned messages_ = 0;
};

}  // namespace postrider::protocol_log
