// SPDX-License-Identifier: MIT
// The route of a destination: the plugins' route hooks around the core's own search.
#pragma once

#include <postrider/dns.hpp>
#include <postrider/route.hpp>

#include "plugin/chains.hpp"
#include "route/mx_lookup.hpp"

namespace postrider::route {

/// [loop thread] One per loop.
class Router {
 public:
  Router(Dns& dns, const Loop& clock, Options options);
  void set_options(Options options) { lookup_.set_options(std::move(options)); }

  /// [may suspend] The route now, or the reply that says why there is none. `chains`, `destination`
  /// and the router must outlive the task.
  Task<RouteResult> route(plugin::Chains& chains, const Destination& destination);

 private:
  MxLookup lookup_;
};

}  // namespace postrider::route
