// SPDX-License-Identifier: MIT
// The answers to control commands are JSON text (RFC 8259).
#pragma once

#include <string>
#include <string_view>

namespace postrider::route_cache {

/// `text` as a JSON string, in quotes. Control characters are escaped; the rest must be UTF-8.
std::string quoted(std::string_view text);

/// {"error": "..."}
std::string error_json(std::string_view text);

}  // namespace postrider::route_cache
