// SPDX-License-Identifier: MIT
#include "route/router.hpp"

#include <utility>

namespace postrider::route {

Router::Router(Dns& dns, const Loop& clock, Options options)
    : lookup_(dns, clock, std::move(options)) {}

Task<RouteResult> Router::route(plugin::Chains& chains, const Destination& destination) {
  return chains.route(destination, [this, &chains](const Destination& wanted) {
    return lookup_.find(wanted, chains.finds_loops());
  });
}

}  // namespace postrider::route
