// SPDX-License-Identifier: MIT
// Text made fit for the lines of a report: everything in it may come from a hostile remote, and
// nothing of it may end a line, a field or a MIME part (RFC 5322 sections 2.1.1 and 2.2.3).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <postrider/time.hpp>

namespace postrider::ndr {

/// One line without control characters, at most `limit` octets; '?' for what does not fit. Without
/// `utf8` the result is ASCII.
std::string one_line(std::string_view text, bool utf8, std::size_t limit);

/// "Name: value" with CRLF, folded below 78 octets a line; words that are too long are cut.
std::string folded_field(std::string_view name, std::string_view value);

/// `text` as lines of at most 76 octets, each after `indent`, CRLF ends; words are cut if need be.
std::string wrapped(std::string_view text, std::string_view indent);

/// RFC 5322 section 3.3, in UTC: "Sat, 21 Nov 2026 00:00:00 +0000".
std::string date_text(WallTime time);

/// Is this fit for a 7-bit (or `eight_bit`) part as it is: no NUL, CRLF line ends only, no line
/// over 998 octets? RFC 2045 sections 2.7 and 2.8.
bool is_clean(std::string_view text, bool eight_bit) noexcept;

/// RFC 2045 sections 6.7 and 6.8. Lines end with CRLF.
std::string quoted_printable(std::string_view text);
std::string base64(std::string_view octets);

}  // namespace postrider::ndr
