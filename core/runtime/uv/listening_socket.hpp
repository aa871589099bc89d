// SPDX-License-Identifier: MIT
// Sockets that listen: TCP with SO_REUSEPORT, or a Unix socket that only its owner may open.
#pragma once

#include <string>
#include <utility>

#include <sys/types.h>

#include "runtime/byte_stream.hpp"

namespace postrider::runtime {

/// Owns the descriptor of a listening socket; for a Unix socket also its file.
class ListeningSocket {
 public:
  /// Takes a socket over.
  explicit ListeningSocket(int descriptor) noexcept : descriptor_(descriptor) {}
  /// Every loop opens its own for the same address; IPv6 sockets take no IPv4.
  static IoResult<ListeningSocket> open(const SocketAddress& address);
  /// Mode 0600. A socket file at which nobody answers is replaced; all else is IoFailure::in_use.
  static IoResult<ListeningSocket> open_local(const std::string& path);

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  /// Closes; removes the socket file if it still is the one made here.
  ~ListeningSocket();

  int descriptor() const noexcept { return descriptor_; }
  bool is_local() const noexcept { return !path_.empty(); }
  SocketAddress address() const noexcept;
  /// The next connection, or -1 with errno.
  int accept() const noexcept;

 private:
  bool listen() const noexcept;
  void own_file(const std::string& path) noexcept;

  int descriptor_;
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace postrider::runtime
