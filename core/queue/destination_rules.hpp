// SPDX-License-Identifier: MIT
// The operator's own limits for some destinations: the [[destination]] blocks of the configuration.
// What a block does not set is as for all others.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <postrider/route.hpp>
#include <postrider/time.hpp>

namespace postrider::queue {

/// So many messages in each `period`, evenly; count 0: no limit.
struct Rate {
  unsigned count = 0;
  Duration period{};
  bool is_limited() const noexcept { return count > 0; }
  bool operator==(const Rate&) const = default;
};

/// Zero and empty: not set.
struct DestinationRule {
  std::string origin;              ///< where it is written, for people
  std::vector<std::string> match;  ///< patterns of names or of whole texts of destinations
  unsigned max_connections = 0;
  unsigned initial_connections = 0;
  Rate max_rate;
  std::vector<Duration> retry;     ///< after the first, second, ... attempt
  std::vector<Duration> back_off;  ///< after the first, second, ... failure of the host
  Duration connect{};
  std::size_t max_messages = 0;  ///< of a connection
};

/// Immutable; any thread.
class DestinationRules {
 public:
  DestinationRules() = default;
  explicit DestinationRules(std::vector<DestinationRule> rules) : rules_(std::move(rules)) {}
  /// The first that matches, alone; null: none does. Lives as long as these rules.
  const DestinationRule* find(const Destination& destination) const;

 private:
  std::vector<DestinationRule> rules_;
};
using DestinationRulesPtr = std::shared_ptr<const DestinationRules>;

}  // namespace postrider::queue
