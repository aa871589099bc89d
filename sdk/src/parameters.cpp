// SPDX-License-Identifier: MIT
// xtext, the encoding of values in MAIL and RCPT parameters (RFC 3461 section 4).
#include <postrider/parameters.hpp>

namespace postrider {
namespace {

constexpr std::string_view kHex = "0123456789ABCDEF";

}  // namespace

std::optional<std::string> xtext_decode(std::string_view xtext) {
  std::string text;
  text.reserve(xtext.size());
  for (std::size_t i = 0; i < xtext.size(); ++i) {
    const char c = xtext[i];
    if (c < '!' || c > '~' || c == '=') return std::nullopt;
    if (c != '+') {
      text += c;
      continue;
    }
    if (xtext.size() - i < 3) return std::nullopt;
    const std::size_t high = kHex.find(xtext[i + 1]);
    const std::size_t low = kHex.find(xtext[i + 2]);
    if (high == kHex.npos || low == kHex.npos) return std::nullopt;
    text += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return text;
}

std::string xtext_encode(std::string_view text) {
  std::string xtext;
  xtext.reserve(text.size());
  for (const char c : text) {
    if (c >= '!' && c <= '~' && c != '+' && c != '=') {
      xtext += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    xtext += '+';
    xtext += kHex[octet / 16];
    xtext += kHex[octet % 16];
  }
  return xtext;
}

}  // namespace postrider
