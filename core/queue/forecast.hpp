// SPDX-License-Identifier: MIT
// When the waiting recipients of a message are tried next, and what decides that: the loop that
// owns their destination knows, and nobody else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <postrider/time.hpp>

namespace postrider::queue {

enum class Wait : std::uint8_t {
  nothing,          ///< on its way between loops, or into the store
  connection,       ///< due now, but the destination has as many attempts under way as it may have
  rate,             ///< due, but the destination's max_rate is used up for now
  connection_rate,  ///< due, but its max_connection_rate is, and no open connection is free
  schedule,         ///< its own retry time (queue.retry)
  back_off,         ///< the destination is left alone for a while (docs/queue.md)
  attempt,          ///< an attempt is under way
};

/// Of the recipients of one message at one destination.
struct Forecast {
  std::string destination;
  Wait wait = Wait::nothing;
  /// The next attempt, not before; while one is under way, when that began.
  std::optional<WallTime> at;
  /// Sooner if other mail gets through to the destination: it was the host that failed.
  bool wakes_with_host = false;
};

}  // namespace postrider::queue
