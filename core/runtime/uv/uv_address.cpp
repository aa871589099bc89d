// SPDX-License-Identifier: MIT
#include "runtime/uv/uv_address.hpp"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>

namespace postrider::runtime {

KernelAddress::KernelAddress(const SocketAddress& address) noexcept {
  const auto octets = address.address.octets();
  if (address.address.is_v4()) {
    auto& in = reinterpret_cast<sockaddr_in&>(storage);
    in.sin_family = AF_INET;
    in.sin_port = htons(address.port);
    std::memcpy(&in.sin_addr, octets.data(), octets.size());
    length = sizeof in;
  } else {
    auto& in = reinterpret_cast<sockaddr_in6&>(storage);
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(address.port);
    std::memcpy(&in.sin6_addr, octets.data(), octets.size());
    length = sizeof in;
  }
}

SocketAddress from_kernel(const sockaddr_storage& storage) noexcept {
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &in.sin_addr, octets.size());
    return {.address = IpAddress(std::span<const std::uint8_t, 4>(octets)),
            .port = ntohs(in.sin_port)};
  }
  if (storage.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(storage);
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &in.sin6_addr, octets.size());
    return {.address = IpAddress(std::span<const std::uint8_t, 16>(octets)),
            .port = ntohs(in.sin6_port)};
  }
  return {};
}

}  // namespace postrider::runtime
