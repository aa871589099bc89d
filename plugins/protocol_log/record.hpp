// SPDX-License-Identifier: MIT
// One line of the protocol log, as text for people or as JSON for programs.
#pragma once

#include <string>
#include <string_view>

#include <postrider/protocol_event.hpp>

namespace postrider::protocol_log {

enum class Format : std::uint8_t { text, json };

/// What a record says; `text` may be hostile.
struct Record {
  WallTime at{};
  std::string_view id;
  Side side{};
  SocketAddress local;
  SocketAddress remote;
  Duration elapsed{};
  std::string_view kind;  ///< "connected", "C:", "S:", "verdict", ...
  std::string_view text;
};

/// One line with its line end. The text is made printable.
std::string format_record(const Record& record, Format format);

/// How events are called in records.
std::string_view event_name(EventKind kind) noexcept;

}  // namespace postrider::protocol_log
