// SPDX-License-Identifier: MIT
// Taking connections. uv_listen is not used: out of descriptors it accepts and closes what waits,
// and cannot be paused; here connections stay in the kernel's backlog, and are retried.
#include <cerrno>

#include "runtime/uv/listening_socket.hpp"
#include "runtime/uv/uv_loop.hpp"
#include "runtime/uv/uv_poll.hpp"
#include "runtime/uv/uv_stream.hpp"

namespace postrider::runtime {
namespace {

constexpr int kAcceptedAtOnce = 64;  // then other work of the loop has its turn

class UvAcceptor final : public Acceptor {
 public:
  UvAcceptor(UvLoop& loop, ListeningSocket socket, OnAccept on_accept)
      : loop_(loop),
        socket_(std::move(socket)),
        on_accept_(std::make_shared<const OnAccept>(std::move(on_accept))) {}
  UvAcceptor(const UvAcceptor&) = delete;
  UvAcceptor& operator=(const UvAcceptor&) = delete;
  ~UvAcceptor() override {
    if (gone_) *gone_ = true;
  }

  IoResult<void> start() {
    auto poll = UvPoll::open(loop_, socket_.descriptor(), [this] { accept_all(); });
    if (!poll) return std::unexpected(std::move(poll.error()));
    poll_ = std::move(*poll);
    return {};
  }
  SocketAddress local() const override { return socket_.address(); }
  void pause() noexcept override {
    paused_ = true;
    poll_->stop();
  }
  void resume() noexcept override {
    paused_ = false;
    poll_->start();
  }

 private:
  void accept_all();
  /// False when nothing can be accepted now.
  bool accept_one(const OnAccept& on_accept);

  UvLoop& loop_;
  ListeningSocket socket_;
  std::shared_ptr<const OnAccept> on_accept_;
  std::unique_ptr<UvPoll> poll_;
  bool paused_ = false;
  bool* gone_ = nullptr;  // tells accept_all() that its callback destroyed the acceptor
};

void UvAcceptor::accept_all() {
  const auto on_accept = on_accept_;
  bool gone = false;
  gone_ = &gone;
  for (int count = 0; count < kAcceptedAtOnce && !gone && !paused_; ++count)
    if (!accept_one(*on_accept)) break;
  if (!gone) gone_ = nullptr;
}

bool UvAcceptor::accept_one(const OnAccept& on_accept) {
  const int descriptor = socket_.accept();
  if (descriptor < 0) {
    if (errno != EAGAIN) poll_->rest();  // out of descriptors or memory: no use in trying at once
    return false;
  }
  auto handle = adopt(loop_.uv(), descriptor, socket_.is_local());
  if (!handle) return true;
  auto stream = std::make_unique<UvStream>(loop_, std::move(handle));
  const bool reset_already = !socket_.is_local() && stream->remote().port == 0;
  if (!reset_already) on_accept(std::move(stream));
  return true;
}

IoResult<AcceptorPtr> accept_on(UvLoop& loop, IoResult<ListeningSocket> socket,
                                OnAccept on_accept) {
  if (!socket) return std::unexpected(std::move(socket.error()));
  auto acceptor = std::make_unique<UvAcceptor>(loop, std::move(*socket), std::move(on_accept));
  if (auto started = acceptor->start(); !started) return std::unexpected(started.error());
  return acceptor;
}

class UvWatch final : public Watch {
 public:
  explicit UvWatch(std::unique_ptr<UvPoll> poll) noexcept : poll_(std::move(poll)) {}

 private:
  std::unique_ptr<UvPoll> poll_;
};

}  // namespace

IoResult<AcceptorPtr> UvLoop::listen(SocketAddress address, OnAccept on_accept) {
  return accept_on(*this, ListeningSocket::open(address), std::move(on_accept));
}

IoResult<AcceptorPtr> UvLoop::listen_local(const std::string& path, OnAccept on_accept) {
  return accept_on(*this, ListeningSocket::open_local(path), std::move(on_accept));
}

IoResult<WatchPtr> UvLoop::watch(int descriptor, std::function<void()> ready) {
  auto poll = UvPoll::open(*this, descriptor, std::move(ready));
  if (!poll) return std::unexpected(std::move(poll.error()));
  return std::make_unique<UvWatch>(std::move(*poll));
}

}  // namespace postrider::runtime
