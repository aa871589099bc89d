// SPDX-License-Identifier: MIT
// Values from outside made fit for one field of one log line: nothing a peer sends can begin a
// line, end a field, move the cursor or turn the text around (log injection).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace postrider::log {

/// Octets of a value that a line shows; what is longer ends in "...".
inline constexpr std::size_t kValueLimit = 1024;

/// Append `value`: bare if it is only letters, digits and harmless marks, else in double quotes
/// with \" \\ \n \r \t \xNN and \u{N} for quotes, controls, invalid UTF-8 and bidi marks.
void append_value(std::string& line, std::string_view value);

/// Append `value` in quotes always.
void append_quoted(std::string& line, std::string_view value);

}  // namespace postrider::log
