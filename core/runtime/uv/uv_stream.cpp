// SPDX-License-Identifier: MIT
// Callbacks only move octets and wake waiters; sessions go on from the ready list. Reading stays
// switched on between reads and is switched off only when 64 KiB lie here unread.
#include "runtime/uv/uv_stream.hpp"

#include <algorithm>
#include <cassert>

#include "runtime/uv/uv_address.hpp"
#include "runtime/uv/uv_error.hpp"
#include "runtime/uv/uv_loop.hpp"

namespace postrider::runtime {
namespace {

constexpr std::size_t kIdleCapacity = 4096;  // an idle session does not keep a large buffer

std::unexpected<IoError> failed(int code) {
  return std::unexpected(uv_error(code));
}
IoResult<void> closed_by_us() {
  return failed(UV_ECANCELED);
}

template <class Ask>
SocketAddress address_of(const StreamHandle& handle, Ask ask) noexcept {
  if (!handle.is_tcp()) return {};
  sockaddr_storage storage{};
  int length = sizeof storage;
  if (ask(&handle.tcp, reinterpret_cast<sockaddr*>(&storage), &length) < 0) return {};
  return from_kernel(storage);
}

}  // namespace

/// A pending write that is given up takes the connection with it.
class UvStream::WriteWait : public Wait<IoResult<void>> {
 public:
  explicit WriteWait(UvStream& stream) noexcept : Wait(stream.writer_), stream_(stream) {}
  WriteWait(const WriteWait&) = delete;
  WriteWait& operator=(const WriteWait&) = delete;
  ~WriteWait() {
    if (is_pending()) stream_.close();
  }

 private:
  UvStream& stream_;
};

UvStream::UvStream(UvLoop& loop, StreamHandlePtr handle)
    : loop_(loop),
      handle_(std::move(handle)),
      reader_(loop),
      writer_(loop),
      local_(address_of(*handle_, uv_tcp_getsockname)),
      remote_(address_of(*handle_, uv_tcp_getpeername)) {
  handle_->set_owner(this);
}

UvStream::~UvStream() {
  close();
}

Task<IoResult<void>> UvStream::read(std::string& target) {
  if (auto result = read_now(target)) return std::move(*result);
  return read_later(target);
}

/// Nothing when the caller has to wait.
std::optional<IoResult<void>> UvStream::read_now(std::string& target) {
  assert(!reader_.is_waited_for());
  if (!handle_) return closed_by_us();
  if (!buffer_.empty()) {
    target.append(buffer_);
    buffer_.clear();
    if (buffer_.capacity() > kIdleCapacity) std::string().swap(buffer_);
    if (!ended_) start_reading();
    return IoResult<void>();
  }
  if (ended_) return std::unexpected(*ended_);
  if (const int code = start_reading(); code < 0) return failed(code);
  return std::nullopt;
}

Task<IoResult<void>> UvStream::read_later(std::string& target) {
  if (auto result = read_now(target)) co_return std::move(*result);
  target_ = &target;
  Wait<IoResult<void>> wait(reader_);
  co_return co_await wait;
}

int UvStream::start_reading() noexcept {
  if (reading_) return 0;
  const int code = uv_read_start(
      &handle_->stream,
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        *buffer = StreamHandle::owner<UvStream>(handle)->space();
      },
      [](uv_stream_t* handle, ssize_t count, const uv_buf_t* buffer) {
        StreamHandle::owner<UvStream>(handle)->received(count, buffer->base);
      });
  reading_ = code >= 0;
  return code;
}

uv_buf_t UvStream::space() noexcept {
  auto& buffer = loop_.read_buffer();
  const std::size_t kept = reader_.is_waited_for() ? 0 : buffer_.size();
  return uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size() - kept));
}

void UvStream::received(ssize_t count, const char* octets) noexcept {
  if (count == 0) return;
  if (count < 0) {
    uv_read_stop(&handle_->stream);
    reading_ = false;
    ended_ = uv_error(static_cast<int>(count));
    if (reader_.is_waited_for()) reader_.finish(std::unexpected(*ended_));
    return;
  }
  const auto size = static_cast<std::size_t>(count);
  if (reader_.is_waited_for()) {
    target_->append(octets, size);
    return reader_.finish({});
  }
  buffer_.append(octets, size);
  if (buffer_.size() < UvLoop::kReadBuffer) return;
  uv_read_stop(&handle_->stream);
  reading_ = false;
}

Task<IoResult<void>> UvStream::write(std::span<const std::string_view> parts) {
  assert(!writer_.is_waited_for());
  if (half_written_) close();  // its task was dropped unstarted: nothing may follow half a write
  if (!handle_) return closed_by_us();
  Rest rest;
  assert(parts.size() <= rest.parts.size());
  for (const std::string_view part : parts) {
    if (part.empty()) continue;
    rest.parts[rest.count++] = {.base = const_cast<char*>(part.data()), .len = part.size()};
  }
  if (rest.count == 0) return IoResult<void>();
  const int code = uv_try_write(&handle_->stream, rest.parts.data(), rest.count);
  if (code < 0 && code != UV_EAGAIN) return failed(code);
  auto taken = static_cast<std::size_t>(std::max(code, 0));
  auto first = rest.parts.begin();
  const auto end = first + rest.count;
  for (; first != end && taken >= first->len; ++first) taken -= first->len;
  if (first == end) return IoResult<void>();
  first->base += taken;
  first->len -= taken;
  rest.count =
      static_cast<unsigned>(std::move(first, end, rest.parts.begin()) - rest.parts.begin());
  half_written_ = true;
  return write_later(*this, rest);
}

Task<IoResult<void>> UvStream::write_later(UvStream& stream, Rest rest) {
  stream.half_written_ = false;
  if (!stream.handle_) co_return closed_by_us();
  if (const int code = stream.start_writing(rest); code < 0) co_return failed(code);
  WriteWait wait(stream);
  co_return co_await wait;
}

int UvStream::start_writing(const Rest& rest) noexcept {
  return uv_write(&handle_->write, &handle_->stream, rest.parts.data(), rest.count,
                  [](uv_write_t* request, int status) {
                    auto* const self = StreamHandle::owner<UvStream>(request->handle);
                    if (!self) return;
                    if (status < 0) return self->writer_.finish(failed(status));
                    self->writer_.finish({});
                  });
}

void UvStream::shut_down_writing() noexcept {
  if (!handle_ || shut_down_) return;
  if (half_written_) return close();
  shut_down_ = true;
  uv_shutdown(&handle_->shutdown, &handle_->stream, [](uv_shutdown_t*, int) {});
}

void UvStream::close() noexcept {
  if (!handle_) return;
  handle_.reset();
  if (reader_.is_waited_for()) reader_.finish(closed_by_us());
  if (writer_.is_waited_for()) writer_.finish(closed_by_us());
}

}  // namespace postrider::runtime
