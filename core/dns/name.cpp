// SPDX-License-Identifier: MIT
// Names are hostile input: every octet is checked against the end of the packet and of the name.
#include "dns/name.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace postrider::dns {
namespace {

constexpr std::size_t kMaxName = 255;
constexpr std::size_t kMaxLabel = 63;
constexpr std::size_t kHeader = 12;
constexpr unsigned kPointer = 0xc0;

unsigned octet(std::string_view text, std::size_t at) noexcept {
  return static_cast<std::uint8_t>(text[at]);
}

char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

void append_escaped(std::string& text, char c) {
  constexpr std::string_view kSpecial = ".\\\"();@$";
  if (c <= ' ' || c > '~')
    fmt::format_to(std::back_inserter(text), "\\{:03}", static_cast<std::uint8_t>(c));
  else if (kSpecial.contains(c))
    text.append({'\\', c});
  else
    text.push_back(c);
}

}  // namespace

std::optional<WireName> to_wire(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  if (text.empty() || text.size() > kMaxName - 2) return std::nullopt;
  WireName wire;
  wire.reserve(text.size() + 2);
  for (std::size_t start = 0; start <= text.size();) {
    const std::size_t end = std::min(text.find('.', start), text.size());
    const auto label = text.substr(start, end - start);
    if (label.empty() || label.size() > kMaxLabel) return std::nullopt;
    if (std::ranges::any_of(label, [](char c) { return c <= ' ' || c > '~' || c == '\\'; }))
      return std::nullopt;
    wire.push_back(static_cast<char>(label.size()));
    wire += label;
    start = end + 1;
  }
  wire.push_back('\0');
  return wire;
}

std::string to_text(std::string_view wire) {
  std::string text;
  for (std::size_t at = 0; at < wire.size() && octet(wire, at) != 0;) {
    if (!text.empty()) text.push_back('.');
    const std::size_t length = octet(wire, at);
    for (const char c : wire.substr(at + 1, length)) append_escaped(text, c);
    at += 1 + length;
  }
  return text;
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

bool same_name(std::string_view wire, std::string_view other) noexcept {
  // Length octets are at most 63, below 'A': lower() leaves them alone.
  return std::ranges::equal(wire, other, {}, lower, lower);
}

bool is_at_or_below(std::string_view wire, std::string_view ancestor) noexcept {
  for (std::size_t at = 0; at < wire.size(); at += 1 + octet(wire, at))
    if (same_name(wire.substr(at), ancestor)) return true;
  return false;
}

std::optional<WireName> read_name(std::string_view packet, std::size_t& offset) {
  WireName wire;
  std::size_t at = offset;
  std::size_t lowest = offset;  // a pointer must go below this
  std::optional<std::size_t> after_pointer;
  while (at < packet.size()) {
    const unsigned length = octet(packet, at++);
    if (length >= kPointer) {
      if (at >= packet.size()) return std::nullopt;
      const std::size_t target = (length & ~kPointer) << 8 | octet(packet, at++);
      if (target < kHeader || target >= lowest) return std::nullopt;
      if (!after_pointer) after_pointer = at;
      lowest = at = target;
      continue;
    }
    if (length > kMaxLabel || length > packet.size() - at) return std::nullopt;
    if (wire.size() + 1 + length + (length ? 1 : 0) > kMaxName) return std::nullopt;
    wire += packet.substr(at - 1, 1 + length);
    at += length;
    if (length == 0) {
      offset = after_pointer.value_or(at);
      return wire;
    }
  }
  return std::nullopt;
}

}  // namespace postrider::dns
