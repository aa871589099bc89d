// SPDX-License-Identifier: MIT
// A connection as the sessions see it: octets in, octets out. TCP, TLS over any stream, a Unix
// socket, or a script in tests. One reader and one writer at a time; all [loop thread].
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include <postrider/ip_address.hpp>
#include <postrider/task.hpp>

namespace postrider::runtime {

/// What ended or prevented I/O, so that callers need not know errno.
enum class IoFailure : std::uint8_t {
  closed,       ///< the peer closed (EOF) or we did
  reset,        ///< ECONNRESET, EPIPE
  refused,      ///< ECONNREFUSED
  unreachable,  ///< EHOSTUNREACH, ENETUNREACH, no address of that family
  timeout,      ///< ETIMEDOUT or our own limit
  exhausted,    ///< EMFILE, ENFILE, ENOBUFS, ENOMEM
  in_use,       ///< EADDRINUSE
  denied,       ///< EACCES, EPERM
  other,
};

struct IoError {
  IoFailure failure = IoFailure::other;
  std::string text;  ///< for the log: "connection refused"
};
template <class T>
using IoResult = std::expected<T, IoError>;

class ByteStream {
 public:
  virtual ~ByteStream() = default;  ///< closes at once, without waiting

  /// Append at least one octet to `target`; EOF is IoFailure::closed. Appends what is there, at
  /// most 64 KiB at a time; while nobody reads, at most about 64 KiB are taken from the kernel.
  /// `target` must outlive the task. Dropping the task stops waiting; nothing is lost.
  virtual Task<IoResult<void>> read(std::string& target) = 0;

  /// Send all parts, in order, as one write where possible. Done when the kernel has taken them.
  /// The octets must stay until then. At most 8 parts.
  virtual Task<IoResult<void>> write(std::span<const std::string_view> parts) = 0;
  Task<IoResult<void>> write(std::string_view octets) {
    // A fast path without a frame when the kernel takes all at once is up to the implementation.
    one_[0] = octets;
    return write(std::span<const std::string_view>(one_));
  }

  /// Send nothing more (FIN); reading goes on.
  virtual void shut_down_writing() noexcept = 0;
  /// Close at once; pending reads and writes end with IoFailure::closed.
  virtual void close() noexcept = 0;

  virtual SocketAddress local() const = 0;
  virtual SocketAddress remote() const = 0;

 private:
  std::array<std::string_view, 1> one_;
};

}  // namespace postrider::runtime
