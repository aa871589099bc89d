// SPDX-License-Identifier: MIT
// RFC 5321 section 5.1: a host that finds itself among the mail hosts drops itself and all hosts
// that are not better; mail goes to the better ones, or not at all.
#pragma once

#include <optional>
#include <string>

#include "identity.hpp"

namespace postrider::loopback {

/// 550 5.4.6: which rule matched on what value, and the keys that would change it. `id`: of the
/// plugin's block. `ttl`: of the route.
RouteRefusal loops_back(const Destination& destination, const Match& match, const std::string& id,
                        Duration ttl);

struct Cut {
  /// Better hosts that stay; a refusal if none does: 550 5.4.6, or 451 4.4.4 while a better host
  /// exists whose address DNS does not give.
  RouteResult route;
  /// Why the best of the dropped hosts is ourselves; nothing: no host is.
  std::optional<Match> match;
  std::string host;  ///< that host's name
  bool is_loop() const noexcept { return match && !route && route.error().is_permanent(); }
};

/// `id`: of the plugin's block, for the reply.
Cut cut_at_ourselves(const Identity& self, const Destination& destination, Route route,
                     const std::string& id);

}  // namespace postrider::loopback
