// SPDX-License-Identifier: MIT
// Finds out that the next hop is this very host (Q146126): better mail hosts are used, else the
// mail is refused at RCPT when that is known by then, or fails at once and says why.
#include <algorithm>
#include <random>
#include <utility>

#include <postrider/sdk.hpp>

#include "cut.hpp"
#include "identity.hpp"
#include "known_loops.hpp"

namespace postrider {
namespace {

using namespace loopback;

enum class OnLoop : std::uint8_t { reject, send };

/// RCPT remembers for so long what a peer's token showed.
constexpr Duration kTokenTtl = 60s;
/// The machine's addresses are read again after so long.
constexpr Duration kInterfacesAge = 5s;

KnownLoops& known_loops() {
  static KnownLoops known;
  return known;
}

std::optional<std::string> name_mistake(std::string_view text) {
  if (is_host_name(text)) return std::nullopt;
  return "\"" + printable(text) + "\" is no host name; write for example \"mail.example.org\"";
}

/// Ours since this process started, the same on all loops; nobody can have guessed it. Our EHLO
/// replies show it: a peer that shows it is ourselves, behind whatever NAT.
const std::string& own_token() {
  static const std::string token = [] {
    static constexpr std::string_view kDigits = "0123456789ABCDEF";
    std::random_device random;
    std::string text = "X-POSTRIDER-";
    for (int i = 0; i < 24; ++i) text += kDigits[random() % kDigits.size()];
    return text;
  }();
  return token;
}

class Loopback final : public Plugin, public RouteHook, public RcptHook, public AttemptHook {
 public:
  struct Settings {
    OnLoop action = OnLoop::reject;
    bool check_at_rcpt = false;
    Duration check_timeout = 5s;
    std::vector<std::string> aliases;
    std::vector<OwnPlace> also_us;
    static void describe(Schema<Settings>& schema) {
      schema
          .field("action", &Settings::action,
                 "What becomes of mail whose next hop is this very host; \"send\": it goes out")
          .choices({{"reject", OnLoop::reject}, {"send", OnLoop::send}});
      schema.field(
          "check_at_rcpt", &Settings::check_at_rcpt,
          "Look the route up at RCPT, so that the sender's server is told, not the sender");
      schema
          .field("check_timeout", &Settings::check_timeout,
                 "How long RCPT waits for that; then the recipient is accepted and judged later")
          .between(100ms, 30s);
      schema.field("aliases", &Settings::aliases, "Other names of this host").check(name_mistake);
      schema.field(
          "also_us", &Settings::also_us,
          "Names and addresses, with or without port, that lead to us (NAT, port forwards)");
    }
  };

  Loopback(Host& host, const Settings& settings) : host_(host), settings_(settings) {
    self_.hostname = lower(host.hostname());
    for (const std::string& alias : settings.aliases) self_.aliases.push_back(lower(alias));
    self_.also_us = settings.also_us;
    self_.listeners = host.listeners();
    if (settings.action == OnLoop::reject) host.offer_keyword(own_token());
    known_loops().clear();
  }

  bool finds_loops() const noexcept override { return true; }

  Task<RouteResult> on_route(const Destination& destination, const RouteNext& next) override {
    if (destination.transport != "smtp") return next(destination);
    return judge_next(*this, destination, next);
  }

  Task<Verdict> on_rcpt(Session&, Transaction&, Recipient& recipient) override {
    if (settings_.action == OnLoop::send || recipient.path.domain().empty()) return pass();
    Destination destination = host_.destination_for(recipient.path);
    if (destination.transport != "smtp") return pass();
    if (auto known = known_loops().find(destination.text(), host_.loop().now()))
      return reject(std::move(*known));
    // A literal needs no lookup.
    if (!settings_.check_at_rcpt && !destination.name.starts_with('[')) return pass();
    return check(*this, std::move(destination));
  }

  Task<Verdict> on_peer(const Destination& destination, const Peer& peer) override {
    const bool is_us = settings_.action == OnLoop::reject &&
                       std::ranges::any_of(peer.lines, [](const std::string& line) {
                         return equal_ignoring_case(line, own_token());
                       });
    if (!is_us) return pass();
    const Match match{peer.host + " at " + peer.address.text() + " shows our own EHLO token", ""};
    RouteRefusal refusal = loops_back(destination, match, host_.id(), kTokenTtl);
    remember(destination.text(), refusal);
    return reject(refusal).because(match.proof);
  }

 private:
  static Task<RouteResult> judge_next(Loopback& self, const Destination& destination,
                                      const RouteNext& next) {
    RouteResult found = co_await next(destination);
    if (!found) co_return found;
    co_return self.judge(destination, std::move(*found));
  }

  static Task<Verdict> check(Loopback& self, Destination destination) {
    auto limited =
        within(self.host_.loop(), self.settings_.check_timeout, self.host_.find_route(destination));
    std::optional<RouteResult> found = co_await limited;
    if (!found || !*found) co_return pass();
    const RouteResult judged = self.judge(destination, std::move(**found));
    if (judged || !judged.error().is_permanent()) co_return pass();
    co_return reject(judged.error());
  }

  RouteResult judge(const Destination& destination, Route route) {
    if (settings_.action == OnLoop::send) return route;
    read_interfaces();
    Cut cut = cut_at_ourselves(self_, destination, std::move(route), host_.id());
    const std::string text = destination.text();
    if (!cut.is_loop()) known_loops().remove(text);
    if (!cut.match) return std::move(cut.route);
    host_.log().write(LogLevel::info, cut.is_loop() ? "loop refused" : "loop avoided",
                      {{"destination", text}, {"host", cut.host}, {"proof", cut.match->proof}});
    if (cut.is_loop()) remember(text, cut.route.error());
    return std::move(cut.route);
  }

  void read_interfaces() {
    const TimePoint now = host_.loop().now();
    if (interfaces_read_ && now - *interfaces_read_ < kInterfacesAge) return;
    self_.interfaces = host_.local_addresses();
    interfaces_read_ = now;
  }

  /// For as long as the route that was judged may be kept.
  void remember(const std::string& text, const RouteRefusal& refusal) {
    const TimePoint now = host_.loop().now();
    known_loops().add(text, refusal, now + refusal.ttl, now);
  }

  Host& host_;
  const Settings settings_;
  Identity self_;
  std::optional<TimePoint> interfaces_read_;
};

}  // namespace
}  // namespace postrider

POSTRIDER_PLUGIN(postrider::Loopback, "loopback",
                 "Refuses mail whose next hop is this very host, and says why");
