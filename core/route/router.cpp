// SPDX-License-Identifier: MIT
#include "route/router.hpp"

#include <utility>

namespace postrider::route {

Router::Router(Dns& dns, Options options) : lookup_(dns, std::move(options)) {}

Task<RouteResult> Router::route(plugin::Chains& chains, const Destination& destination) {
  return chains.route(destination,
                      [this](const Destination& wanted) { return lookup_.find(wanted); });
}

}  // namespace postrider::route
