// SPDX-License-Identifier: MIT
#include "control/doctor_listeners.hpp"

#include <algorithm>

#include <fmt/format.h>

#include <postrider/path.hpp>

namespace postrider::control {

namespace {

constexpr Duration kSlowBanner = 500ms;
const std::string kCheck = "listeners";

Finding judge_banner(const std::string& listener, const PhaseFacts& banner,
                     const std::string& hostname) {
  if (!lower(banner.detail).contains(lower(hostname)))
    return warning(kCheck,
                   fmt::format("{} greets with \"{}\", without our name {}", listener,
                               banner.detail, hostname),
                   "another server listens there, or the daemon runs with another configuration: "
                   "postrider reload, or restart it");
  if (banner.took >= kSlowBanner)
    return warning(kCheck, fmt::format("{} greets after {} ms", listener, banner.took.count()),
                   "see postrider status and postrider plugins: a connect hook is slow, or the "
                   "machine is overloaded");
  return ok(kCheck, fmt::format("{} greets after {} ms", listener, banner.took.count()));
}

}  // namespace

SocketAddress reachable(SocketAddress listener) {
  if (listener.address.is_unspecified())
    listener.address = IpAddress::parse(listener.address.is_v4() ? "127.0.0.1" : "::1").value();
  return listener;
}

Finding check_listener(const std::string& listener, const ProbeFacts& facts,
                       const std::string& hostname) {
  const auto banner = std::ranges::find(facts.phases, ProbePhase::banner, &PhaseFacts::phase);
  if (banner == facts.phases.end()) {
    const PhaseFacts& last = facts.phases.back();
    return wrong(kCheck, fmt::format("nothing answers on {}: {}", listener, end_name(last.end)),
                 "start postriderd, or correct the address in [[listen]]");
  }
  if (banner->end == ProbeEnd::ok) return judge_banner(listener, *banner, hostname);
  if (banner->end == ProbeEnd::rejected)
    return warning(kCheck, fmt::format("{} refuses: \"{}\"", listener, banner->detail),
                   "see postrider status: too many sessions, or a plugin refuses this client");
  return wrong(
      kCheck,
      fmt::format("{} takes connections but does not greet: {}", listener, end_name(banner->end)),
      "see the daemon's log; is it another server's port?");
}

}  // namespace postrider::control
