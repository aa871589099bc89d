// SPDX-License-Identifier: MIT
#include "deliver/options.hpp"

namespace postrider::deliver {

Duration Options::connect_to(const Destination& destination) const {
  const queue::DestinationRule* rule = rules ? rules->find(destination) : nullptr;
  return rule && rule->connect > Duration{} ? rule->connect : connect;
}

std::size_t Options::max_messages_to(const Destination& destination) const {
  const queue::DestinationRule* rule = rules ? rules->find(destination) : nullptr;
  return rule && rule->max_messages > 0 ? rule->max_messages : max_messages;
}

}  // namespace postrider::deliver
