// SPDX-License-Identifier: MIT
// Retry and failover are ours, so that they are the same for every kind of failure and visible.
#include "dns/lookup.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace postrider::dns {
namespace {

/// What one server had to say to this question so far.
struct Trial {
  Server* server;
  unsigned tries = 0;
  unsigned strays = 0;  // replies that fit no question, while it said nothing
  bool is_out = false;  // it answered, but not well: no reason to ask it the same again
  Reply last{};
};

bool is_answer(const Reply& reply) {
  switch (reply.outcome) {
    case Outcome::records:
    case Outcome::alias:
    case Outcome::nodata:
    case Outcome::nxdomain:
      return true;
    default:
      return false;
  }
}

/// Silence, refusal and unreachability are the server's fault; other failures may be the name's.
bool is_servers_fault(Outcome outcome) {
  return outcome == Outcome::timeout || outcome == Outcome::refused || outcome == Outcome::unsent;
}

std::vector<Trial> plan(Servers servers) {
  std::vector<Trial> trials;
  for (const bool blamed : {false, true})
    for (const auto& server : servers)
      if (server->is_blamed() == blamed) trials.push_back({.server = server.get()});
  return trials;
}

/// The server tried least, the first of those; none when all are out.
Trial* next(std::vector<Trial>& trials) {
  Trial* best = nullptr;
  for (Trial& trial : trials)
    if (!trial.is_out && (!best || trial.tries < best->tries)) best = &trial;
  return best;
}

std::string silence(const Trial& trial, const std::string& server) {
  auto text = fmt::format("no answer from {} in {} {}", server, trial.tries,
                          trial.tries == 1 ? "try" : "tries");
  if (trial.strays > 0)
    text += fmt::format(" ({} {} no question and {} ignored)", trial.strays,
                        trial.strays == 1 ? "reply fits" : "replies fit",
                        trial.strays == 1 ? "was" : "were");
  return text;
}

std::string account(const Trial& trial) {
  const auto server = trial.server->address().text();
  const auto& detail = trial.last.detail;
  switch (trial.last.outcome) {
    case Outcome::servfail:
      return fmt::format("SERVFAIL from {}", server);
    case Outcome::refused:
      return fmt::format("REFUSED from {}", server);
    case Outcome::malformed:
      return fmt::format("a malformed answer ({}) from {}", detail, server);
    case Outcome::unsent:
      return fmt::format("cannot ask {} ({})", server, detail);
    case Outcome::timeout:
      if (detail.empty()) return silence(trial, server);
      return fmt::format("{} from {}", detail, server);
    default:
      return fmt::format("{} from {}", detail, server);
  }
}

/// `last` is what decided; all that was tried is told.
Reply failure(const std::vector<Trial>& trials, Outcome last) {
  Reply reply{.outcome = last};
  for (const Trial& trial : trials) {
    if (!trial.tries) continue;
    if (!reply.detail.empty()) reply.detail += "; ";
    reply.detail += account(trial);
  }
  return reply;
}

DnsFailure failure_of(Outcome outcome) {
  switch (outcome) {
    case Outcome::nodata:
      return DnsFailure::nodata;
    case Outcome::nxdomain:
      return DnsFailure::nxdomain;
    case Outcome::refused:
      return DnsFailure::refused;
    case Outcome::timeout:
    case Outcome::unsent:
      return DnsFailure::timeout;
    case Outcome::malformed:
      return DnsFailure::malformed;
    default:
      return DnsFailure::servfail;
  }
}

std::string explain(const Reply& reply, RecordType type) {
  if (reply.outcome == Outcome::nxdomain) return "no such name";
  if (reply.outcome == Outcome::nodata) return fmt::format("no {} records", type_name(type));
  return reply.detail;
}

/// The name may be anything: it goes to logs with its odd octets replaced, and not too long.
std::string title(RecordType type, std::string_view name) {
  std::string shown(name.substr(0, 255));
  std::ranges::replace_if(shown, [](char c) { return c < ' ' || c > '~'; }, '?');
  return fmt::format("{} {}", type_name(type), shown);
}

/// Something in digits or brackets. No top-level domain is a number (RFC 1123 section 2.1).
bool is_address_like(std::string_view name) {
  if (name.find_first_of("[]:") != name.npos) return true;
  if (name.ends_with('.')) name.remove_suffix(1);
  const auto last = name.substr(name.rfind('.') + 1);
  return !last.empty() && last.find_first_not_of("0123456789") == last.npos;
}

DnsError not_asked(std::string_view what, RecordType type, std::string_view name) {
  return {.failure = DnsFailure::nxdomain, .text = fmt::format("{}: {}", title(type, name), what)};
}

}  // namespace

Task<Reply> try_servers(Servers servers, unsigned attempts, Question question) {
  std::vector<Trial> trials = plan(servers);
  const std::size_t limit = std::max<std::size_t>(attempts, trials.size());
  Outcome last = Outcome::timeout;
  for (std::size_t tries = 0; tries < limit; ++tries) {
    Trial* const trial = next(trials);
    if (!trial) break;
    trial->last = co_await trial->server->ask(question);
    ++trial->tries;
    trial->strays += trial->last.strays;
    if (is_answer(trial->last)) {
      // What this server could answer, the others should have.
      for (const Trial& other : trials)
        if (other.is_out) other.server->blame();
      co_return std::move(trial->last);
    }
    last = trial->last.outcome;
    if (is_servers_fault(last)) trial->server->blame();
    trial->is_out = last != Outcome::timeout || !trial->last.detail.empty();
  }
  co_return failure(trials, last);
}

Duration left_of(Duration ttl, TimePoint then, TimePoint now) noexcept {
  const auto passed = std::chrono::ceil<Duration>(now - then);
  return std::max(ttl - passed, Duration::zero());
}

Task<std::expected<Reply, DnsError>> look_up(Servers servers, unsigned attempts, std::string name,
                                             RecordType type) {
  if (is_address_like(name))
    co_return std::unexpected(not_asked("an address, not a name", type, name));
  std::optional<WireName> wire = to_wire(name);
  if (!wire) co_return std::unexpected(not_asked("not a name that can be asked for", type, name));
  Question question{.name = std::move(*wire), .type = type};
  Reply reply = co_await try_servers(servers, attempts, question);
  while (reply.outcome == Outcome::alias) {
    question.name = reply.target;
    const TimePoint came = servers.front()->now();
    Reply further = co_await try_servers(servers, attempts, question);
    further.aliases += reply.aliases;
    const Duration left = left_of(reply.ttl, came, servers.front()->now());
    further.ttl = is_answer(further) ? std::min(further.ttl, left) : Duration::zero();
    further.authenticated = further.authenticated && reply.authenticated;
    reply = std::move(further);
    if (reply.aliases > kMaxAliases)
      reply = {.outcome = Outcome::malformed, .detail = "too many CNAMEs, or a loop of them"};
  }
  if (reply.outcome == Outcome::records) co_return std::move(reply);
  co_return std::unexpected(
      DnsError{.failure = failure_of(reply.outcome),
               .ttl = reply.ttl,
               .text = fmt::format("{}: {}", title(type, name), explain(reply, type))});
}

}  // namespace postrider::dns
