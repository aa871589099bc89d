// SPDX-License-Identifier: MIT
// Addresses as the kernel wants them.
#pragma once

#include <sys/socket.h>

#include <postrider/ip_address.hpp>

namespace postrider::runtime {

/// An address in the kernel's form, with the length that belongs to it.
struct KernelAddress {
  explicit KernelAddress(const SocketAddress& address) noexcept;
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }

  sockaddr_storage storage{};
  socklen_t length = 0;
};

/// 0.0.0.0 port 0 for what is not IPv4 or IPv6. An IPv4-mapped address comes back as IPv4.
SocketAddress from_kernel(const sockaddr_storage& storage) noexcept;

}  // namespace postrider::runtime
