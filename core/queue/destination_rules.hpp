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

#include "queue/connection_limits.hpp"
#include "queue/pace.hpp"

namespace postrider::queue {

/// Zero and empty: not set.
struct DestinationRule {
  std::string origin;              ///< where it is written, for people
  std::vector<std::string> match;  ///< patterns of names or of whole texts of destinations
  unsigned max_connections = 0;
  unsigned initial_connections = 0;
  Rate max_rate;                   ///< of messages
  Rate max_connection_rate;        ///< of new connections
  std::vector<Duration> retry;     ///< after the first, second, ... attempt
  std::vector<Duration> back_off;  ///< after the first, second, ... failure of the host
  Duration give_up{};              ///< age at which mail for it is given up
  ConnectionLimits connection;
};

/// Immutable; any thread.
class DestinationRules {
 public:
  explicit DestinationRules(std::vector<DestinationRule> rules);
  /// The first that matches, alone; null: none does. Lives as long as these rules.
  const DestinationRule* find(const Destination& destination) const;
  /// Does any rule say when to give up?
  bool have_give_up() const noexcept { return have_give_up_; }

 private:
  std::vector<DestinationRule> rules_;
  bool have_give_up_;
};
using DestinationRulesPtr = std::shared_ptr<const DestinationRules>;

}  // namespace postrider::queue
