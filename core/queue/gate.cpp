// SPDX-License-Identifier: MIT
#include "queue/gate.hpp"

#include <algorithm>

#include "queue/selection.hpp"

namespace postrider::queue {

bool Gate::is_closed_to(const Destination& destination) const {
  if (!closed.empty()) return true;
  if (suspended.empty()) return false;
  return !reason(destination.text()).empty();
}

std::string Gate::reason(const std::string& destination) const {
  if (!closed.empty()) return closed;
  const auto found = std::ranges::find_if(suspended, [&](const Suspension& suspension) {
    return fits(suspension.pattern, destination);
  });
  if (found == suspended.end()) return {};
  return "its destination is suspended by the operator" +
         (found->reason.empty() ? std::string() : ": " + found->reason);
}

}  // namespace postrider::queue
