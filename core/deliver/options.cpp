// SPDX-License-Identifier: MIT
#include "deliver/options.hpp"

namespace postrider::deliver {

ConnectionLimits Options::limits_to(const Destination& destination) const {
  const queue::DestinationRule* rule = rules ? rules->find(destination) : nullptr;
  return rule ? rule->connection.or_else(limits) : limits;
}

}  // namespace postrider::deliver
