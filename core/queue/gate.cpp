// SPDX-License-Identifier: MIT
#include "queue/gate.hpp"

#include <algorithm>

#include "queue/selection.hpp"

namespace postrider::queue {

namespace {

/// As a shell takes it: "*" is nobody's file.
std::string quoted(const std::string& pattern) {
  return pattern.contains('*') || pattern.contains('[') ? "'" + pattern + "'" : pattern;
}

}  // namespace

bool Gate::is_closed_to(const Destination& destination) const {
  if (closed) return true;
  if (suspended.empty()) return false;
  return closure(destination.text()).has_value();
}

std::optional<Closure> Gate::closure(const std::string& destination) const {
  if (closed) return closed;
  const auto found = std::ranges::find_if(suspended, [&](const Suspension& suspension) {
    return fits(suspension.pattern, destination);
  });
  if (found == suspended.end()) return std::nullopt;
  return Closure{.why = "its destination is suspended by the operator" +
                        (found->reason.empty() ? std::string() : ": " + found->reason),
                 .since = found->since,
                 .until = "postrider destination resume " + quoted(found->pattern)};
}

}  // namespace postrider::queue
