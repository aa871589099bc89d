// SPDX-License-Identifier: MIT
// Which destinations the operator has closed: no attempt begins there. Immutable, shared by loops.
#pragma once

#include <memory>
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

struct Gate {
  std::string closed;  ///< why nothing is tried anywhere; "" if it is
  std::vector<Suspension> suspended;

  bool is_closed_to(const Destination& destination) const;
  /// Why nothing is tried there, for people; "" if something is.
  std::string reason(const std::string& destination) const;
};
using GatePtr = std::shared_ptr<const Gate>;

}  // namespace postrider::queue
