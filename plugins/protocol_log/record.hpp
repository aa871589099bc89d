// SPDX-License-Identifier: MIT
// One record of the protocol log: its compact form, in which it is remembered, and its line, as
// text for people or as JSON (RFC 8259) for programs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <postrider/protocol_event.hpp>

namespace postrider::protocol_log {

enum class Format : std::uint8_t { text, json };

/// How a record is called in the log.
enum class Label : std::uint8_t {
  connected,
  command,
  reply,
  data,
  verdict,
  banner,
  accepted,
  refused,
  attempt,
  outcome,
  name,
  unreached,
  recorder,
  dropped
};

/// Octets of text that a record keeps; the line says how many there were.
inline constexpr std::size_t kTextLimit = 2048;

/// What a record says, apart from whose it is. `text` may be hostile.
struct Record {
  WallTime at{};
  Duration elapsed{};
  Label label{};
  bool recorded = false;  ///< written afterwards, from the flight recorder
  std::string_view text;
};

/// Whose record: the part that all lines of a conversation share, ready for a line.
/// "-" as long as there is no connection.
std::string place(const SocketAddress& address);

std::string origin(std::string_view id, Side side, const SocketAddress& local,
                   const SocketAddress& remote, Format format);

/// Appends one line with its line end. The text is made printable; `origin` is taken as it is.
void append_line(std::string& out, const Record& record, std::string_view origin, Format format);

/// `text` as a JSON string, control characters and invalid UTF-8 made harmless.
void append_json(std::string& out, std::string_view text);

/// "2026-11-21T04:38:00.123Z"
std::string time_text(WallTime at);

/// At most kTextLimit octets of `text`; `kept` holds them when something had to be left out.
std::string_view limited(std::string_view text, std::string& kept);

}  // namespace postrider::protocol_log
