// SPDX-License-Identifier: MIT
#include "queue/destination.hpp"

#include <functional>

#include "plugin/chains.hpp"

namespace postrider::queue {

std::size_t DestinationHash::operator()(const Destination& destination) const noexcept {
  const std::hash<std::string_view> hash;
  std::size_t value = hash(destination.name);
  value = value * 31 + hash(destination.transport);
  return value * 31 + destination.port * 2U + (destination.use_mx ? 1U : 0U);
}

unsigned loop_of(const Destination& destination, unsigned loops) noexcept {
  if (loops < 2) return 0;
  return static_cast<unsigned>(DestinationHash()(destination) % loops);
}

Destination destination_of(const Path& recipient, plugin::Chains* chains,
                           const std::string& hostname) {
  const Path* asked = &recipient;
  Path postmaster;
  if (recipient.domain().empty() && !hostname.empty()) {
    if (auto path = Path::parse("postmaster@" + hostname)) {
      postmaster = std::move(*path);
      asked = &postmaster;
    }
  }
  if (chains)
    if (auto chosen = chains->destination_for(*asked)) return std::move(*chosen);
  return Destination{.transport = "smtp", .name = asked->domain_key(), .port = 0, .use_mx = true};
}

}  // namespace postrider::queue
