// SPDX-License-Identifier: MIT
// Which destinations the operator has closed: no attempt begins there. Immutable, shared by loops.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <postrider/route.hpp>
#include <postrider/time.hpp>

namespace postrider::queue {

struct Suspension {
  std::string pattern;  ///< of a destination's text; '*' matches anything
  WallTime since{};
  std::string reason;  ///< the operator's; may be empty
  friend bool operator==(const Suspension&, const Suspension&) = default;
};

/// Why nothing is tried at a destination, for people.
struct Closure {
  std::string why;
  std::optional<WallTime> since{};  ///< when the operator said so; nothing: the configuration does
  std::string until{};              ///< the command that opens it

  friend bool operator==(const Closure&, const Closure&) = default;
};

struct Gate {
  std::optional<Closure> closed;  ///< everywhere
  std::vector<Suspension> suspended;

  bool is_closed_to(const Destination& destination) const;
  /// Of the destination with this text; nothing: it is open.
  std::optional<Closure> closure(const std::string& destination) const;
};
using GatePtr = std::shared_ptr<const Gate>;

}  // namespace postrider::queue
