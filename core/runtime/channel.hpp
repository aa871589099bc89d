// SPDX-License-Identifier: MIT
// Between loops only values travel: a channel hands each value to a function on the receiver's
// loop.
#pragma once

#include <functional>
#include <utility>

#include "runtime/runtime.hpp"

namespace postrider::runtime {

/// A way to send T to one loop. Copies refer to the same receiver, which must outlive the loop's
/// last turn. send() is [any thread]; the receiver is called on its own loop, in order of sending.
template <class T>
class Channel {
 public:
  Channel(Runtime& runtime, std::function<void(T)> receive)
      : runtime_(&runtime),
        receive_(std::make_shared<const std::function<void(T)>>(std::move(receive))) {}

  void send(T value) const {
    runtime_->post(
        [receive = receive_, value = std::move(value)]() mutable { (*receive)(std::move(value)); });
  }

 private:
  Runtime* runtime_;
  std::shared_ptr<const std::function<void(T)>> receive_;
};

}  // namespace postrider::runtime
