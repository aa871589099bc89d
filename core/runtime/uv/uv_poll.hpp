// SPDX-License-Identifier: MIT
// Tells whenever a descriptor is readable, until destroyed: listeners and watched sockets.
#pragma once

#include <functional>
#include <memory>

#include "runtime/runtime.hpp"
#include "runtime/uv/handle_owner.hpp"

namespace postrider::runtime {

class UvLoop;

class UvPoll final : public HandleOwner, private Timer {
 public:
  /// How long to leave a descriptor alone that cannot be served now.
  static constexpr Duration kRest = 100ms;

  /// `ready` may stop, start or destroy this object. The descriptor stays the caller's.
  static IoResult<std::unique_ptr<UvPoll>> open(UvLoop& loop, int descriptor,
                                                std::function<void()> ready);
  ~UvPoll() override = default;

  void start() noexcept;
  void stop() noexcept;
  /// Stop, and start again after kRest.
  void rest() noexcept;

 private:
  UvPoll(UvLoop& loop, HandlePtr<uv_poll_t> handle, std::function<void()> ready);
  void loop_closing() noexcept override;
  void expired() noexcept override { start(); }
  void called(int status) noexcept;

  UvLoop& loop_;
  HandlePtr<uv_poll_t> handle_;
  std::shared_ptr<const std::function<void()>> ready_;
  unsigned errors_ = 0;  // within one millisecond
  TimePoint last_error_{};
};

}  // namespace postrider::runtime
