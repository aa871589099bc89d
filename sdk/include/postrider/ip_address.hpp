// SPDX-License-Identifier: MIT
// IPv4 and IPv6 addresses, with ports, and networks. IPv4-mapped IPv6 is IPv4 here, always.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace postrider {

/// An IPv4 or IPv6 address. ::ffff:a.b.c.d is stored, compared and printed as a.b.c.d.
class IpAddress {
 public:
  /// 0.0.0.0
  constexpr IpAddress() = default;
  /// 4 octets: IPv4; 16: IPv6 (mapped becomes IPv4).
  explicit IpAddress(std::span<const std::uint8_t, 4> octets) noexcept;
  explicit IpAddress(std::span<const std::uint8_t, 16> octets) noexcept;
  /// Dotted quad (four decimal numbers, no leading zeros) or RFC 4291 text; no scope, no brackets.
  static std::expected<IpAddress, std::string> parse(std::string_view text);

  bool is_v4() const noexcept { return v4_; }
  /// 127.0.0.0/8 or ::1
  bool is_loopback() const noexcept;
  /// 0.0.0.0 or ::
  bool is_unspecified() const noexcept;
  /// RFC 1918, RFC 4193, link-local.
  bool is_private() const noexcept;
  /// 4 or 16 octets in network order.
  std::span<const std::uint8_t> octets() const noexcept;
  /// "192.0.2.1" or the RFC 5952 form of IPv6.
  std::string text() const;
  /// As an SMTP address literal, RFC 5321 section 4.1.3: "[192.0.2.1]" or "[IPv6:2001:db8::1]".
  std::string literal() const;
  /// The name a PTR query asks: "1.2.0.192.in-addr.arpa" or the ip6.arpa form.
  std::string reverse_name() const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
  bool v4_ = true;
};

/// An address and a TCP or UDP port.
struct SocketAddress {
  IpAddress address;
  std::uint16_t port = 0;
  /// "192.0.2.1:25" or "[2001:db8::1]:25".
  static std::expected<SocketAddress, std::string> parse(std::string_view text);
  std::string text() const;
  auto operator<=>(const SocketAddress&) const = default;
};

/// A network in CIDR form.
class Network {
 public:
  Network() = default;
  Network(IpAddress address, unsigned prefix) noexcept;
  /// "10.0.0.0/8", "2001:db8::/32", or a lone address. Host bits must be zero.
  static std::expected<Network, std::string> parse(std::string_view text);
  bool contains(const IpAddress& address) const noexcept;
  std::string text() const;
  auto operator<=>(const Network&) const = default;

 private:
  IpAddress address_;
  unsigned prefix_ = 32;
};

}  // namespace postrider
