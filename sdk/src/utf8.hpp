// SPDX-License-Identifier: MIT
// UTF-8, one character at a time (RFC 3629): strict, so overlong forms and surrogates are errors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace postrider::utf8 {

struct Character {
  std::uint32_t value = 0;
  std::size_t length = 0;  ///< octets; 0: not valid UTF-8
};

/// The character at the start of `text`, which is not empty.
Character first(std::string_view text) noexcept;

/// Control characters of ASCII and Latin-1, line and paragraph separators, marks that turn the
/// direction of text: nothing that may stand in an address, a header field or a line of the log.
bool is_control(std::uint32_t character) noexcept;

/// May it stand in a domain? A rough form of RFC 5892: no punctuation and symbols, no compatibility
/// forms (U+FF20 looks like '@', U+FF0E and U+3002 like '.'), no private use.
bool is_domain_character(std::uint32_t character) noexcept;

}  // namespace postrider::utf8
