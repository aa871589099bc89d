// SPDX-License-Identifier: MIT
#include "json_text.hpp"

namespace postrider::route_cache {

std::string quoted(std::string_view text) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (octet < 0x20) {
      out += "\\u00";
      out += kDigits[octet >> 4U];
      out += kDigits[octet & 0xfU];
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string error_json(std::string_view text) {
  return "{\"error\": " + quoted(text) + "}";
}

}  // namespace postrider::route_cache
