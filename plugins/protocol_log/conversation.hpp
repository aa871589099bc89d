// SPDX-License-Identifier: MIT
// What is remembered of one connection or attempt: how far it got and how much it moved, for the
// verdict; whom it is about, for the filters; its records, for the flight recorder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <postrider/protocol_event.hpp>

#include "filter.hpp"
#include "transcript.hpp"

namespace postrider::protocol_log {

class Conversation {
 public:
  Conversation(const ProtocolEvent& first, WallTime began, std::size_t room);

  /// Take an event in; true if it may change what a filter says.
  bool note(const ProtocolEvent& event);
  /// The last record of a connection: who closed (as the event says), in which phase, octets,
  /// messages, time to banner with the reason if it was slow, the likely cause if there was none.
  /// `own_name`: what is known of our own reverse name, a sentence or "".
  std::string verdict(const ProtocolEvent& closed, std::string_view own_name) const;
  /// The line of the log that these records begin with.
  const std::string& origin(Format format);

  /// The first thing that went wrong; "" if nothing did.
  const std::string& failure() const noexcept { return failure_; }

  const std::string id;
  const WallTime began;
  const SocketAddress local;
  const SocketAddress remote;
  Subject subject;
  Transcript transcript;
  Wanted wanted = Wanted::unknown;
  std::string end;  ///< the verdict; "" while it lasts

 private:
  void note_command(std::string_view line);
  void note_failure(std::string_view what);
  std::string likely_cause(const ProtocolEvent& closed, std::string_view own_name) const;
  std::string_view phase_ = "before the banner";
  std::string slow_banner() const;
  std::optional<Duration> banner_;
  std::string why_slow_;  // our banner, if it was
  std::uint64_t octets_in_ = 0;
  std::uint64_t octets_out_ = 0;
  unsigned messages_ = 0;
  std::string failure_;
  std::string origin_;
  Format origin_format_ = Format::text;
};

}  // namespace postrider::protocol_log
