// SPDX-License-Identifier: MIT
#include "queue/destination_rules.hpp"

#include <algorithm>

#include "queue/selection.hpp"

namespace postrider::queue {

const DestinationRule* DestinationRules::find(const Destination& destination) const {
  if (rules_.empty()) return nullptr;
  const std::string text = destination.text();
  const auto is_meant = [&](const std::string& pattern) {
    return fits(pattern, destination.name) || fits(pattern, text);
  };
  for (const DestinationRule& rule : rules_)
    if (std::ranges::any_of(rule.match, is_meant)) return &rule;
  return nullptr;
}

}  // namespace postrider::queue
