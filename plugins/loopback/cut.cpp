// SPDX-License-Identifier: MIT
#include "cut.hpp"

#include <algorithm>
#include <utility>

#include <postrider/path.hpp>

namespace postrider::loopback {
namespace {

RouteRefusal no_better_host(const Destination& destination, const Match& match,
                            const std::string& better) {
  return {Reply(451, {4, 4, 4},
                printable("DNS gives no address now for " + better + ", a better mail host of " +
                          destination.text() + " than this one (" + match.proof + ")"))};
}

}  // namespace

RouteRefusal loops_back(const Destination& destination, const Match& match, const std::string& id,
                        Duration ttl) {
  const std::string plugin = "[[plugin]] " + id;
  const bool own_key = match.key == "aliases" || match.key == "also_us";
  std::string keys =
      match.key.empty() ? "" : match.key + (own_key ? " of " + plugin : "") + ", or ";
  keys += "action" + (own_key ? std::string() : " of " + plugin);
  return {Reply(550, {5, 4, 6},
                printable("Mail for " + destination.text() + " loops back to this host: " +
                          match.proof + " (to change: " + keys + ")")),
          ttl};
}

Cut cut_at_ourselves(const Identity& self, const Destination& destination, Route route,
                     const std::string& id) {
  Cut cut{std::move(route), std::nullopt, {}};
  std::vector<Hop>& hops = cut.route->hops;
  std::uint16_t best = 0;
  for (const Hop& hop : hops) {
    if (cut.match && hop.preference >= best) continue;
    auto match = find_match(self, hop, !destination.use_mx);
    if (!match) continue;
    best = hop.preference;
    cut.match = std::move(match);
    cut.host = hop.name;
  }
  if (!cut.match) return cut;
  std::erase_if(hops, [best](const Hop& hop) { return hop.preference >= best; });
  if (!hops.empty()) return cut;
  const auto better = std::ranges::find_if(
      cut.route->unresolved, [best](const MxRecord& mx) { return mx.preference < best; });
  if (better != cut.route->unresolved.end())
    cut.route = std::unexpected(no_better_host(destination, *cut.match, better->host));
  else
    cut.route = std::unexpected(loops_back(destination, *cut.match, id, cut.route->ttl));
  return cut;
}

}  // namespace postrider::loopback
