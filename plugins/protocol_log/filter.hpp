// SPDX-License-Identifier: MIT
// Which conversations are wanted: by direction, the remote's network and name, the domains of
// senders and recipients. Names come late, so the answer may be "not known yet".
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/protocol_event.hpp>

namespace postrider::protocol_log {

enum class Direction : std::uint8_t { both, in, out };
enum class Wanted : std::uint8_t { no, unknown, yes };

/// What is known of a conversation so far; names in lower case.
struct Subject {
  Side side{};
  IpAddress remote;
  std::vector<std::string> hosts;       ///< next hop, HELO, reverse name
  std::vector<std::string> senders;     ///< domains
  std::vector<std::string> recipients;  ///< domains

  /// Learn from an event; true if something was new.
  bool learn(const ProtocolEvent& event);
};

struct Filter {
  Direction direction = Direction::both;
  std::vector<Network> networks;
  std::vector<std::string> hosts;       ///< "mx.example.org" or "*.example.org"
  std::vector<std::string> senders;     ///< domains, likewise
  std::vector<std::string> recipients;  ///< domains, likewise

  /// From "direction=in", "network=10.0.0.0/8", "host=", "sender=", "recipient=".
  static std::expected<Filter, std::string> parse(std::span<const std::string_view> words);
  Wanted judge(const Subject& subject) const;
  /// "direction=in networks=all hosts=*.example.org"
  std::string text() const;
};

}  // namespace postrider::protocol_log
