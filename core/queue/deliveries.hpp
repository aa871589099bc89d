// SPDX-License-Identifier: MIT
// The queue as delivery sees it, on the loop that owns the destination: ask for work, say how it
// ended. A courier is one worker for one destination, usually one connection.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "queue/queue.hpp"

namespace postrider::queue {

/// [loop thread]
class Deliveries {
 public:
  virtual ~Deliveries() = default;

  /// Called when a destination has work and may have one more courier: start one. The courier calls
  /// take() until it is empty, then courier_left(). Set once before work exists.
  virtual void on_courier_wanted(std::function<void(const Destination&)> start) = 0;

  /// The next delivery that is due for `destination`; it is active until finish(). A courier that
  /// is not connected will connect for it. Nothing: none is due now, or no new connection may be
  /// made now.
  virtual std::optional<Delivery> take(const Destination& destination, bool is_connected) = 0;
  /// The courier connects once more for a delivery, because the former connection was of no use.
  virtual void note_connection(const Destination& destination) = 0;

  /// Wait until take() may have something for this courier, at most `limit`; false when the limit
  /// passed. Waiting couriers are woken before new ones are wanted, last in first out.
  virtual Task<bool> wait(const Destination& destination, Duration limit) = 0;

  /// How `delivery` ended. Outcomes are committed and reported by the message's owner; the
  /// destination's concurrency, back-off and retry times follow from `result` here.
  virtual void finish(Delivery delivery, DeliveryResult result) = 0;

  virtual void courier_left(const Destination& destination) = 0;

  /// End every wait() under way with false: the daemon stops.
  virtual void dismiss_couriers() = 0;
};

}  // namespace postrider::queue
