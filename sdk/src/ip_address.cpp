// SPDX-License-Identifier: MIT
// Addresses and networks as text: RFC 4291 section 2.2 to read, RFC 5952 to write. Written out
// here because the C library's readers accept scopes, octal numbers and short forms.
#include <algorithm>
#include <charconv>
#include <optional>

#include <postrider/ip_address.hpp>

namespace postrider {
namespace {

constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

/// A decimal number without leading zeros, at most `limit`.
std::optional<unsigned> decimal(std::string_view text, unsigned limit) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text.front() == '0')) return {};
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > limit) return {};
  return value;
}

/// Dotted quad into four octets.
bool read_v4(std::string_view text, std::span<std::uint8_t, 4> octets) {
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t dot = text.find('.');
    if ((dot == text.npos) != (i == 3)) return false;
    const auto value = decimal(text.substr(0, dot), 255);
    if (!value) return false;
    octets[i] = static_cast<std::uint8_t>(*value);
    if (i < 3) text.remove_prefix(dot + 1);
  }
  return true;
}

/// Groups of hexadecimal digits, perhaps a dotted quad at the end; the number of octets read.
std::optional<std::size_t> read_groups(std::string_view text, std::span<std::uint8_t> octets) {
  std::size_t count = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (colon == text.npos && group.find('.') != group.npos) {
      if (octets.size() - count < 4) return {};
      if (!read_v4(group, std::span<std::uint8_t, 4>(octets.subspan(count, 4)))) return {};
      return count + 4;
    }
    unsigned value = 0;
    const auto [end, error] = std::from_chars(group.data(), group.data() + group.size(), value, 16);
    const bool sound = error == std::errc() && end == group.data() + group.size();
    if (!sound || group.size() > 4 || octets.size() - count < 2) return {};
    octets[count++] = static_cast<std::uint8_t>(value >> 8U);
    octets[count++] = static_cast<std::uint8_t>(value & 0xFFU);
    if (colon == text.npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return {};  // a colon at the end
  }
  return count;
}

bool read_v6(std::string_view text, std::span<std::uint8_t, 16> octets) {
  const std::size_t gap = text.find("::");
  if (gap == text.npos) return read_groups(text, octets) == 16;
  const std::string_view head_text = text.substr(0, gap);
  if (head_text.find('.') != head_text.npos) return false;  // a dotted quad comes last only
  const auto head = read_groups(head_text, octets);
  std::array<std::uint8_t, 16> tail{};
  const auto tail_size = read_groups(text.substr(gap + 2), tail);
  if (!head || !tail_size || *head + *tail_size > 14) return false;
  std::copy_n(tail.begin(), *tail_size, octets.end() - static_cast<std::ptrdiff_t>(*tail_size));
  return true;
}

void append_hex(std::string& out, unsigned value) {
  std::array<char, 4> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16).ptr;
  out.append(digits.data(), end);
}

/// RFC 5952 section 4.2.3: the first of the longest runs of at least two zero groups.
std::pair<std::size_t, std::size_t> longest_zero_run(const std::array<unsigned, 8>& groups) {
  std::size_t best = 8;
  std::size_t best_length = 1;
  for (std::size_t i = 0; i < 8;) {
    std::size_t end = i;
    while (end < 8 && groups[end] == 0) ++end;
    if (end - i > best_length) {
      best = i;
      best_length = end - i;
    }
    i = end + 1;
  }
  return {best, best_length};
}

std::string text_v6(std::span<const std::uint8_t> octets) {
  std::array<unsigned, 8> groups{};
  for (std::size_t i = 0; i < 8; ++i) groups[i] = octets[2 * i] * 256U + octets[2 * i + 1];
  const auto [gap, gap_length] = longest_zero_run(groups);
  std::string out;
  for (std::size_t i = 0; i < 8;) {
    if (i == gap) {
      out += "::";
      i += gap_length;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    append_hex(out, groups[i++]);
  }
  return out;
}

}  // namespace

IpAddress::IpAddress(std::span<const std::uint8_t, 4> octets) noexcept {
  std::ranges::copy(octets, octets_.begin());
}

IpAddress::IpAddress(std::span<const std::uint8_t, 16> octets) noexcept {
  v4_ = std::ranges::equal(octets.first<12>(), kMappedPrefix);
  std::ranges::copy(v4_ ? std::span<const std::uint8_t>(octets.last<4>()) : octets,
                    octets_.begin());
}

std::expected<IpAddress, std::string> IpAddress::parse(std::string_view text) {
  if (text.size() <= 45) {  // the longest form: six groups and a dotted quad
    std::array<std::uint8_t, 16> octets{};
    if (text.find(':') != text.npos) {
      if (read_v6(text, octets)) return IpAddress(std::span<const std::uint8_t, 16>(octets));
    } else if (read_v4(text, std::span(octets).first<4>())) {
      return IpAddress(std::span<const std::uint8_t, 4>(std::span(octets).first<4>()));
    }
  }
  return std::unexpected("not an IP address");
}

bool IpAddress::is_loopback() const noexcept {
  static constexpr std::array<std::uint8_t, 16> kOne{0, 0, 0, 0, 0, 0, 0, 0,
                                                     0, 0, 0, 0, 0, 0, 0, 1};
  return v4_ ? octets_[0] == 127 : octets_ == kOne;
}

bool IpAddress::is_unspecified() const noexcept {
  return octets_ == std::array<std::uint8_t, 16>{};
}

bool IpAddress::is_private() const noexcept {
  const auto a = octets_[0];
  const auto b = octets_[1];
  if (!v4_) return (a & 0xFEU) == 0xFC || (a == 0xFE && (b & 0xC0U) == 0x80);
  return a == 10 || (a == 172 && (b & 0xF0U) == 16) || (a == 192 && b == 168) ||
         (a == 169 && b == 254);
}

std::span<const std::uint8_t> IpAddress::octets() const noexcept {
  return std::span(octets_).first(v4_ ? 4 : 16);
}

std::string IpAddress::text() const {
  if (!v4_) return text_v6(octets_);
  std::string out = std::to_string(octets_[0]);
  for (std::size_t i = 1; i < 4; ++i) out.append(1, '.').append(std::to_string(octets_[i]));
  return out;
}

std::string IpAddress::literal() const {
  return (v4_ ? "[" : "[IPv6:") + text() + "]";
}

std::string IpAddress::reverse_name() const {
  std::string out;
  const auto mine = octets();
  for (std::size_t i = mine.size(); i-- > 0;) {
    if (v4_) {
      out.append(std::to_string(mine[i])).append(1, '.');
      continue;
    }
    append_hex(out, mine[i] & 15U);
    out += '.';
    append_hex(out, mine[i] >> 4U);
    out += '.';
  }
  return out + (v4_ ? "in-addr.arpa" : "ip6.arpa");
}

std::expected<SocketAddress, std::string> SocketAddress::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::unexpected("no port: write ADDRESS:PORT");
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() > 1 && host.front() == '[' && host.back() == ']';
  if (bracketed) host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address) return std::unexpected(address.error());
  if (bracketed != (host.find(':') != host.npos))
    return std::unexpected("an IPv6 address, and only that, stands in brackets");
  const auto port = decimal(text.substr(colon + 1), 65535);
  if (!port) return std::unexpected("a port is a number from 0 to 65535");
  return SocketAddress{*address, static_cast<std::uint16_t>(*port)};
}

std::string SocketAddress::text() const {
  const std::string host = address.text();
  return (address.is_v4() ? host : "[" + host + "]") + ":" + std::to_string(port);
}

Network::Network(IpAddress address, unsigned prefix) noexcept
    : address_(address), prefix_(std::min(prefix, address.is_v4() ? 32U : 128U)) {}

std::expected<Network, std::string> Network::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::unexpected(address.error());
  const unsigned longest = address->is_v4() ? 32 : 128;
  if (slash == text.npos) return Network(*address, longest);
  const auto prefix = decimal(text.substr(slash + 1), longest);
  if (!prefix) return std::unexpected("a prefix is a number from 0 to " + std::to_string(longest));
  const auto octets = address->octets();
  for (unsigned bit = *prefix; bit < longest; ++bit)
    if (octets[bit / 8] & (0x80U >> (bit % 8)))
      return std::unexpected("the bits after the prefix are not zero");
  return Network(*address, *prefix);
}

bool Network::contains(const IpAddress& address) const noexcept {
  if (address.is_v4() != address_.is_v4()) return false;
  const auto a = address.octets();
  const auto b = address_.octets();
  const std::size_t whole = prefix_ / 8;
  if (!std::ranges::equal(a.first(whole), b.first(whole))) return false;
  const unsigned rest = prefix_ % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8U - rest)) == 0;
}

std::string Network::text() const {
  return address_.text() + "/" + std::to_string(prefix_);
}

}  // namespace postrider
