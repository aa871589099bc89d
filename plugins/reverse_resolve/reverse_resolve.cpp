// SPDX-License-Identifier: MIT
// Finds and confirms the client's host name (RFC 8601 section 2.7.3 "iprev"). The lookup starts at
// connect and nobody waits for it but who reads the name: the banner never does.
#include <algorithm>
#include <utility>

#include <postrider/sdk.hpp>

namespace postrider {
namespace {

enum class OnFail : std::uint8_t { note, defer, reject };

/// Where a name of the client leads.
enum class Back : std::uint8_t { unknown, failed, elsewhere, confirmed };

Back back_of(const IpAddress& client, const DnsResult<IpAddress>& answer) {
  if (!answer) return answer.error().is_temporary() ? Back::failed : Back::elsewhere;
  const auto& found = answer->records;
  return std::ranges::find(found, client) != found.end() ? Back::confirmed : Back::elsewhere;
}

/// Is it known which name is the first that is confirmed, or that none is?
bool is_decided(const std::vector<Back>& backs) noexcept {
  for (const Back back : backs)
    if (back == Back::unknown || back == Back::confirmed) return back == Back::confirmed;
  return true;
}

ClientName nameless(IprevResult iprev, std::string reason) {
  return {iprev, {}, std::move(reason), {}};
}

std::optional<std::string> network_mistake(std::string_view text) {
  const auto network = Network::parse(text);
  if (network) return std::nullopt;
  return setting::quoted(text) + " is not a network: " + network.error() +
         "; write for example \"192.0.2.0/24\"";
}

class ReverseResolve final : public Plugin, public ConnectHook, public RcptHook {
 public:
  struct Settings {
    Duration timeout = 5s;
    Duration received_wait = 2s;
    int max_names = 10;
    OnFail on_fail = OnFail::note;
    std::vector<std::string> skip;
    static void describe(Schema<Settings>& schema) {
      schema.field("timeout", &Settings::timeout, "Time for all lookups about one client")
          .between(100ms, 60s);
      schema
          .field("received_wait", &Settings::received_wait,
                 "How long after connect the Received field may wait for the name")
          .between(0ms, 60s);
      schema.field("max_names", &Settings::max_names, "Names of a client that are checked")
          .between(1, 100);
      schema
          .field("on_fail", &Settings::on_fail,
                 "At RCPT, for clients without a confirmed name; a DNS error defers at most")
          .choices({{"note", OnFail::note}, {"defer", OnFail::defer}, {"reject", OnFail::reject}});
      schema.field("skip", &Settings::skip, "Networks of clients that are not looked up")
          .check(network_mistake);
    }
  };

  ReverseResolve(Host& host, Settings settings) : host_(host), settings_(std::move(settings)) {
    for (const std::string& text : settings_.skip) skip_.push_back(Network::parse(text).value());
  }

  Task<Verdict> on_connect(Session& session) override {
    const IpAddress client = session.client().address;
    if (is_skipped(client)) return pass();
    session.facts().start(kClientName, find_name(*this, client));
    session.set_name_deadline(session.connected_at() + settings_.received_wait);
    return pass();
  }

  Task<Verdict> on_rcpt(Session& session, Transaction&, Recipient&) override {
    if (settings_.on_fail == OnFail::note || is_skipped(session.client().address)) return pass();
    if (const ClientName* known = session.facts().peek(kClientName)) return judge(known);
    return judge_later(*this, session);
  }

 private:
  bool is_skipped(const IpAddress& client) const {
    return std::ranges::any_of(skip_, [&](const Network& n) { return n.contains(client); });
  }

  static Task<Verdict> judge_later(ReverseResolve& self, Session& session) {
    const ClientName* found = co_await session.facts().get(kClientName);
    co_return self.judge(found);
  }

  Verdict judge(const ClientName* client) const {
    if (client && client->iprev == IprevResult::pass) return pass();
    const bool unsure = !client || client->iprev == IprevResult::temperror;
    std::string reason = client ? client->reason : "the lookup failed";
    if (unsure || settings_.on_fail == OnFail::defer)
      return defer("450 4.7.25 Your address has no confirmed host name at this time")
          .because(std::move(reason));
    return reject("550 5.7.25 Your address has no confirmed host name").because(std::move(reason));
  }

  static Task<ClientName> find_name(ReverseResolve& self, IpAddress client) {
    Loop& loop = self.host_.loop();
    const TimePoint began = loop.now();
    ClientName found = co_await look_up(self, client, began + self.settings_.timeout);
    found.took = std::chrono::duration_cast<Duration>(loop.now() - began);
    co_return found;
  }

  static Task<ClientName> look_up(ReverseResolve& self, IpAddress client, TimePoint deadline) {
    auto limited = within(self.host_.loop(), self.settings_.timeout, self.host_.dns().ptr(client));
    const std::optional<DnsResult<std::string>> names = co_await limited;
    if (!names) co_return nameless(IprevResult::temperror, "no answer in time");
    if (!*names) {
      const DnsError& error = names->error();
      co_return error.is_temporary() ? nameless(IprevResult::temperror, error.text)
                                     : nameless(IprevResult::permerror, "the address has no name");
    }
    std::vector<std::string> candidates = self.host_names(client, (*names)->records);
    if (candidates.empty())
      co_return nameless(IprevResult::permerror, "the address has no valid host name");
    co_return co_await confirm(self, client, std::move(candidates), deadline);
  }

  /// Asks for the addresses of all names at once. The first name in the order of the PTR answer
  /// that leads back to the client is its name, whichever was answered first.
  static Task<ClientName> confirm(ReverseResolve& self, IpAddress client,
                                  std::vector<std::string> names, TimePoint deadline) {
    Loop& loop = self.host_.loop();
    const AddressFamily family = client.is_v4() ? AddressFamily::v4 : AddressFamily::v6;
    Race<DnsResult<IpAddress>> race;
    for (const std::string& name : names) race.add(self.host_.dns().addresses(name, family));
    std::vector<Back> backs(names.size(), Back::unknown);
    while (!is_decided(backs) && loop.now() < deadline) {
      co_await race.next(loop, std::chrono::ceil<Duration>(deadline - loop.now()));
      while (const auto done = race.take()) backs[done->first] = back_of(client, done->second);
    }
    const auto first = std::ranges::find(backs, Back::confirmed);
    if (first != backs.end()) {
      std::string& name = names[static_cast<std::size_t>(first - backs.begin())];
      co_return ClientName{IprevResult::pass, std::move(name), "confirmed", {}};
    }
    if (race.pending() > 0) co_return nameless(IprevResult::temperror, "no answer in time");
    const bool temporary = std::ranges::find(backs, Back::failed) != backs.end();
    co_return nameless(temporary ? IprevResult::temperror : IprevResult::fail,
                       "no name of the address leads back to it (" + names.front() + ")");
  }
  /// PTR names are hostile: only real host names count, in lower case, each once. The first that
  /// is none is logged, for the operator of that network will ask.
  std::vector<std::string> host_names(const IpAddress& client,
                                      const std::vector<std::string>& raw) const {
    std::vector<std::string> names;
    bool told = false;
    for (std::string_view name : raw) {
      if (name.ends_with('.')) name.remove_suffix(1);
      std::string lowered = lower(name);
      if (!is_host_name(lowered)) {
        if (!std::exchange(told, true))
          host_.log().write(LogLevel::info, "reverse name is no host name",
                            {{"client", client.text()}, {"name", printable(name)}});
        continue;
      }
      if (std::ranges::find(names, lowered) != names.end()) continue;
      names.push_back(std::move(lowered));
      if (names.size() == static_cast<std::size_t>(settings_.max_names)) break;
    }
    return names;
  }

  Host& host_;
  const Settings settings_;
  std::vector<Network> skip_;
};

}  // namespace
}  // namespace postrider

POSTRIDER_PLUGIN(postrider::ReverseResolve, "reverse_resolve",
                 "Finds and confirms the client's host name");
