// SPDX-License-Identifier: MIT
// Opening a TCP connection, RFC 9293 section 3.5, from a chosen source address if asked. The
// attempt lives in the frame of the connect task and is abandoned with it.
#include <netinet/in.h>
#include <sys/socket.h>

#include "runtime/uv/uv_address.hpp"
#include "runtime/uv/uv_error.hpp"
#include "runtime/uv/uv_loop.hpp"
#include "runtime/uv/uv_stream.hpp"

namespace postrider::runtime {
namespace {

class Connecting final : public HandleOwner {
 public:
  explicit Connecting(UvLoop& loop) noexcept : loop_(loop), answer_(loop) {}

  /// libuv's code when it cannot even begin.
  int begin(const SocketAddress& target, const IpAddress& source);
  WaitSlot<int>& answer() noexcept { return answer_; }
  StreamHandlePtr take_handle() noexcept { return std::move(handle_); }

 private:
  void loop_closing() noexcept override { handle_.reset(); }
  int bind(const IpAddress& source) noexcept;

  UvLoop& loop_;
  StreamHandlePtr handle_;
  WaitSlot<int> answer_;
};

int Connecting::begin(const SocketAddress& target, const IpAddress& source) {
  const bool bound = !source.is_unspecified();
  if (bound && source.is_v4() != target.address.is_v4()) return UV_EAFNOSUPPORT;
  int code = 0;
  handle_ = open_tcp(loop_.uv(), target.address.is_v4() ? AF_INET : AF_INET6, code);
  if (!handle_) return code;
  handle_->set_owner(this);
  uv_tcp_nodelay(&handle_->tcp, 1);
  if (bound) code = bind(source);
  if (code < 0) return code;
  const KernelAddress address(target);
  return uv_tcp_connect(&handle_->connect, &handle_->tcp, address.get(),
                        [](uv_connect_t* request, int status) {
                          auto* const self = StreamHandle::owner<Connecting>(request->handle);
                          if (self) self->answer_.finish(status);
                        });
}

int Connecting::bind(const IpAddress& source) noexcept {
  uv_os_fd_t descriptor = -1;
  if (const int code = uv_fileno(&handle_->handle, &descriptor); code < 0) return code;
  // The kernel chooses the port when it knows the peer, so ports are only unique per peer. Where
  // that is not known, connecting works all the same.
  const int on = 1;
  setsockopt(descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const KernelAddress address({.address = source, .port = 0});
  return uv_tcp_bind(&handle_->tcp, address.get(), 0);
}

}  // namespace

Task<IoResult<StreamPtr>> UvLoop::connect(SocketAddress target, IpAddress source) {
  Connecting connecting(*this);
  Wait<int> wait(connecting.answer());
  if (const int code = connecting.begin(target, source); code < 0)
    co_return std::unexpected(uv_error(code));
  if (const int code = co_await wait; code < 0) co_return std::unexpected(uv_error(code));
  co_return StreamPtr(std::make_unique<UvStream>(*this, connecting.take_handle()));
}

}  // namespace postrider::runtime
