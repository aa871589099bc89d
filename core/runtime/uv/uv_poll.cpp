// SPDX-License-Identifier: MIT
// libuv stops polling a descriptor with a pending error (an ICMP answer to a UDP query). The
// caller fetches the error by reading, so polling goes on; an error that stays gets rests.
#include "runtime/uv/uv_poll.hpp"

#include "runtime/uv/uv_error.hpp"
#include "runtime/uv/uv_loop.hpp"

namespace postrider::runtime {
namespace {
constexpr unsigned kErrorsAtOnce = 8;
}

IoResult<std::unique_ptr<UvPoll>> UvPoll::open(UvLoop& loop, int descriptor,
                                               std::function<void()> ready) {
  auto raw = std::make_unique<uv_poll_t>();
  if (const int code = uv_poll_init(loop.uv(), raw.get(), descriptor); code < 0)
    return std::unexpected(uv_error(code));
  HandlePtr<uv_poll_t> handle(raw.release());
  std::unique_ptr<UvPoll> poll(new UvPoll(loop, std::move(handle), std::move(ready)));
  poll->start();
  return poll;
}

UvPoll::UvPoll(UvLoop& loop, HandlePtr<uv_poll_t> handle, std::function<void()> ready)
    : loop_(loop),
      handle_(std::move(handle)),
      ready_(std::make_shared<const std::function<void()>>(std::move(ready))) {
  handle_->data = static_cast<HandleOwner*>(this);
}

void UvPoll::start() noexcept {
  loop_.stop_timer(*this);
  if (!handle_) return;
  uv_poll_start(handle_.get(), UV_READABLE, [](uv_poll_t* handle, int status, int) {
    static_cast<UvPoll*>(static_cast<HandleOwner*>(handle->data))->called(status);
  });
}

void UvPoll::stop() noexcept {
  loop_.stop_timer(*this);
  if (handle_) uv_poll_stop(handle_.get());
}

void UvPoll::rest() noexcept {
  stop();
  loop_.start_timer(*this, kRest);
}

void UvPoll::loop_closing() noexcept {
  handle_.reset();
  loop_.stop_timer(*this);
}

void UvPoll::called(int status) noexcept {
  if (status < 0) {
    errors_ = loop_.now() == last_error_ ? errors_ + 1 : 1;
    last_error_ = loop_.now();
    // Before the callback: afterwards this object may be gone.
    if (errors_ < kErrorsAtOnce) {
      start();
    } else {
      rest();
    }
  }
  const auto ready = ready_;
  (*ready)();
}

}  // namespace postrider::runtime
