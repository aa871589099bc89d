// SPDX-License-Identifier: MIT
// One end of a link. It behaves as a socket does in production, also in what it does badly: a
// dropped write closes the connection, and closing with octets unread resets it.
#include "runtime/sim/memory_stream.hpp"

#include <array>
#include <cassert>

namespace postrider::runtime {
namespace {

using LinkPtr = std::shared_ptr<MemoryLink>;

std::unexpected<IoError> closed_by_us() {
  return std::unexpected(IoError{.failure = IoFailure::closed, .text = "operation canceled"});
}

/// What the window had no room for.
struct Rest {
  std::array<std::string_view, 8> parts;
  std::size_t count = 0;

  bool is_empty() const noexcept { return count == 0; }
  void send(MemoryPipe& pipe) {
    std::size_t kept = 0;
    for (std::size_t n = 0; n < count; ++n) {
      parts[n].remove_prefix(pipe.send(parts[n]));
      if (!parts[n].empty()) parts[kept++] = parts[n];
    }
    count = kept;
  }
};

class MemoryStream final : public ByteStream {
 public:
  MemoryStream(LinkPtr link, unsigned end, SocketAddress local, SocketAddress remote)
      : link_(std::move(link)), end_(end), local_(local), remote_(remote) {}
  ~MemoryStream() override { close(); }

  using ByteStream::write;
  Task<IoResult<void>> read(std::string& target) override;
  Task<IoResult<void>> write(std::span<const std::string_view> parts) override;
  void shut_down_writing() noexcept override;
  void close() noexcept override;
  SocketAddress local() const override { return local_; }
  SocketAddress remote() const override { return remote_; }

 private:
  static Task<IoResult<void>> read_later(LinkPtr link, unsigned end, std::string& target);
  static Task<IoResult<void>> write_later(LinkPtr link, unsigned end, Rest rest);

  LinkPtr link_;
  unsigned end_;
  bool closed_ = false;
  bool shut_down_ = false;
  SocketAddress local_;
  SocketAddress remote_;
};

/// Resets the link unless the write came to its end.
class WriteGuard {
 public:
  explicit WriteGuard(MemoryLink& link) noexcept : link_(&link) {}
  WriteGuard(const WriteGuard&) = delete;
  WriteGuard& operator=(const WriteGuard&) = delete;
  ~WriteGuard() {
    if (link_) link_->reset();
  }
  void disarm() noexcept { link_ = nullptr; }

 private:
  MemoryLink* link_;
};

Task<IoResult<void>> MemoryStream::read(std::string& target) {
  if (closed_) return closed_by_us();
  MemoryPipe& incoming = link_->from(1 - end_);
  assert(!incoming.reader().is_waited_for());
  if (auto result = incoming.take(target)) return std::move(*result);
  return read_later(link_, end_, target);
}

Task<IoResult<void>> MemoryStream::read_later(LinkPtr link, unsigned end, std::string& target) {
  MemoryPipe& incoming = link->from(1 - end);
  if (auto result = incoming.take(target)) co_return std::move(*result);
  incoming.set_target(target);
  Wait<IoResult<void>> wait(incoming.reader());
  co_return co_await wait;
}

Task<IoResult<void>> MemoryStream::write(std::span<const std::string_view> parts) {
  if (closed_ || shut_down_) return closed_by_us();
  MemoryPipe& outgoing = link_->from(end_);
  assert(!outgoing.writer().is_waited_for());
  if (outgoing.failure()) return std::unexpected(*outgoing.failure());
  Rest rest;
  assert(parts.size() <= rest.parts.size());
  for (const std::string_view part : parts) rest.parts[rest.count++] = part;
  rest.send(outgoing);
  if (outgoing.failure()) return std::unexpected(*outgoing.failure());
  if (rest.is_empty()) return IoResult<void>();
  return write_later(link_, end_, rest);
}

Task<IoResult<void>> MemoryStream::write_later(LinkPtr link, unsigned end, Rest rest) {
  MemoryPipe& outgoing = link->from(end);
  WriteGuard guard(*link);
  while (!rest.is_empty() && !outgoing.failure()) {
    // Without latency a waiting reader has taken everything before we came to wait for room.
    if (outgoing.has_room()) {
      rest.send(outgoing);
      continue;
    }
    Wait<IoResult<void>> wait(outgoing.writer());
    auto room = co_await wait;
    if (!room) {
      guard.disarm();
      co_return room;
    }
    rest.send(outgoing);
  }
  guard.disarm();
  if (outgoing.failure()) co_return std::unexpected(*outgoing.failure());
  co_return IoResult<void>();
}

void MemoryStream::shut_down_writing() noexcept {
  if (closed_ || std::exchange(shut_down_, true)) return;
  link_->from(end_).finish();
}

void MemoryStream::close() noexcept {
  if (std::exchange(closed_, true)) return;
  link_->from(1 - end_).reader().finish(closed_by_us());
  link_->from(end_).writer().finish(closed_by_us());
  link_->close(end_);
}

}  // namespace

std::pair<StreamPtr, StreamPtr> make_stream_pair(Loop& first, Loop& second,
                                                 const LinkOptions& options,
                                                 const PairAddresses& addresses) {
  const auto link = std::make_shared<MemoryLink>(first, second, options);
  const auto& [local, remote] = addresses;
  return {std::make_unique<MemoryStream>(link, 0U, local, remote),
          std::make_unique<MemoryStream>(link, 1U, remote, local)};
}

std::pair<StreamPtr, StreamPtr> make_stream_pair(Loop& loop, const LinkOptions& options,
                                                 const PairAddresses& addresses) {
  return make_stream_pair(loop, loop, options, addresses);
}

}  // namespace postrider::runtime
