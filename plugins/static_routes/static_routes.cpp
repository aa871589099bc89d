// SPDX-License-Identifier: MIT
// Smart hosts: says for a domain, its subdomains, or everything where mail goes instead of its MX.
#include <algorithm>
#include <map>

#include <postrider/sdk.hpp>

#include "next_hop.hpp"

namespace postrider {
namespace {

using static_routes::NextHop;

std::optional<std::string> domain_mistake(std::string_view key) {
  const std::string_view bare = key.substr(key.starts_with('.') ? 1 : 0);
  if (key == "*" || is_host_name(lower(bare))) return std::nullopt;
  return "this is no domain; write \"example.org\", \".example.org\" or \"*\"";
}

class StaticRoutes final : public Plugin, public RouteHook {
 public:
  struct Settings {
    std::map<std::string, NextHop> routes;
    static void describe(Schema<Settings>& schema) {
      schema
          .field("routes", &Settings::routes,
                 "\"example.org\", \".example.org\" (subdomains) or \"*\" = next hop")
          .check_keys(domain_mistake);
    }
  };

  StaticRoutes(Host& host, const Settings& settings) : host_(host) {
    for (const auto& [key, hop] : settings.routes) routes_.insert_or_assign(lower(key), hop);
  }

  std::optional<Destination> destination_for(const Path& recipient) override {
    const NextHop* const hop = find(recipient.domain_key());
    if (!hop) return std::nullopt;
    return Destination{.name = hop->name, .port = hop->port, .use_mx = hop->use_mx};
  }

 private:
  /// The domain itself, then its suffixes from the longest, then "*" (never for local domains).
  const NextHop* find(const std::string& domain) const {
    if (const NextHop* exact = at(domain)) return exact;
    for (std::size_t dot = domain.find('.'); dot != domain.npos; dot = domain.find('.', dot + 1))
      if (const NextHop* suffix = at(domain.substr(dot))) return suffix;
    const auto is_same = [&](const std::string& d) { return equal_ignoring_case(d, domain); };
    if (domain.empty() || std::ranges::any_of(host_.local_domains(), is_same)) return nullptr;
    return at("*");
  }
  const NextHop* at(const std::string& key) const {
    const auto found = routes_.find(key);
    return found == routes_.end() ? nullptr : &found->second;
  }

  Host& host_;
  std::map<std::string, NextHop> routes_;
};

}  // namespace
}  // namespace postrider

POSTRIDER_PLUGIN(postrider::StaticRoutes, "static_routes", "Sends mail to smart hosts by domain");
