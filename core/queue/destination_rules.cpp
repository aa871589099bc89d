// SPDX-License-Identifier: MIT
#include "queue/destination_rules.hpp"

#include <algorithm>

#include "queue/selection.hpp"

namespace postrider::queue {

DestinationRules::DestinationRules(std::vector<DestinationRule> rules)
    : rules_(std::move(rules)),
      have_give_up_(std::ranges::any_of(
          rules_, [](const DestinationRule& rule) { return rule.give_up > Duration{}; })) {}

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
