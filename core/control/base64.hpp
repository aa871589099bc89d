// SPDX-License-Identifier: MIT
// Octets that are no text, in JSON: base64 of RFC 4648 section 4.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postrider::control {

std::string to_base64(std::string_view octets);
/// Nothing if the text is ill-formed.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace postrider::control
