// SPDX-License-Identifier: MIT
// A connected TCP or Unix socket. The common case allocates nothing: octets go from the loop's
// buffer to the reader's string, and what the kernel takes at once is a ready task.
#pragma once

#include <array>
#include <optional>

#include "runtime/byte_stream.hpp"
#include "runtime/uv/stream_handle.hpp"
#include "runtime/wait.hpp"

namespace postrider::runtime {

class UvLoop;

class UvStream final : public ByteStream, public HandleOwner {
 public:
  /// Takes a connected handle.
  UvStream(UvLoop& loop, StreamHandlePtr handle);
  ~UvStream();

  using ByteStream::write;
  Task<IoResult<void>> read(std::string& target) override;
  /// Dropping a suspended write closes the connection: part of it may be on the wire, and libuv
  /// must not touch the octets any more.
  Task<IoResult<void>> write(std::span<const std::string_view> parts) override;
  void shut_down_writing() noexcept override;
  void close() noexcept override;
  SocketAddress local() const override { return local_; }
  SocketAddress remote() const override { return remote_; }

 private:
  /// What the kernel did not take at once.
  struct Rest {
    std::array<uv_buf_t, 8> parts;
    unsigned count = 0;
  };
  class WriteWait;

  void loop_closing() noexcept override { close(); }
  std::optional<IoResult<void>> read_now(std::string& target);
  Task<IoResult<void>> read_later(std::string& target);
  static Task<IoResult<void>> write_later(UvStream& stream, Rest rest);
  int start_writing(const Rest& rest) noexcept;
  int start_reading() noexcept;
  uv_buf_t space() noexcept;
  void received(ssize_t count, const char* octets) noexcept;

  UvLoop& loop_;
  StreamHandlePtr handle_;
  bool reading_ = false;
  bool shut_down_ = false;
  bool half_written_ = false;     // a write began and its task was not started yet
  std::string buffer_;            // came while nobody read
  std::optional<IoError> ended_;  // after the buffer: EOF or an error
  std::string* target_ = nullptr;
  WaitSlot<IoResult<void>> reader_;
  WaitSlot<IoResult<void>> writer_;
  SocketAddress local_;
  SocketAddress remote_;
};

}  // namespace postrider::runtime
