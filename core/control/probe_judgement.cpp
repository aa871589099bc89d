// SPDX-License-Identifier: MIT
#include "control/probe_judgement.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace postrider::control {

namespace {

std::string ms(const PhaseFacts& phase) {
  return fmt::format("{} ms", phase.took.count());
}

std::string no_lookup(const PhaseFacts& phase) {
  if (phase.end == ProbeEnd::no_name)
    return fmt::format(
        "has no address ({}); a mail domain is probed by the hosts of its MX records",
        phase.detail);
  return fmt::format("cannot be looked up after {} ({}); check our name servers with --dns SERVER",
                     ms(phase), phase.detail);
}

std::string no_connection(const PhaseFacts& phase) {
  switch (phase.end) {
    case ProbeEnd::refused:
      return "refuses connections: no server listens on that port, or a packet filter says so";
    case ProbeEnd::silent:
      return fmt::format(
          "is silent: no answer to the connection in {}; a packet filter drops it, "
          "perhaps that of our own provider for port 25, or the host is down",
          ms(phase));
    default:
      return fmt::format("cannot be reached: {}", phase.detail);
  }
}

std::string rejected_banner(const PhaseFacts& phase) {
  const std::string_view meaning =
      phase.code == 421   ? "it is busy or closing, or limits connections from our address"
      : phase.code == 554 ? "it does not want mail from our address: our PTR or a block list "
                            "perhaps (Q190026); postrider doctor checks the PTR"
                          : "it takes no mail from us now";
  return fmt::format("greets with a refusal, \"{}\": {}", phase.detail, meaning);
}

std::string no_banner(const PhaseFacts& phase) {
  switch (phase.end) {
    case ProbeEnd::closed:
      return fmt::format(
          "closed the connection before its banner, after {}: probably our PTR is "
          "missing or wrong, or we are on a block list (Q190026); postrider doctor "
          "checks the PTR",
          ms(phase));
    case ProbeEnd::silent:
      return fmt::format(
          "is silent: connected, but no banner in {}; it may wait for a reverse "
          "lookup of our address that never ends (Q258745), or a packet filter "
          "holds the banner back (Q286375)",
          ms(phase));
    case ProbeEnd::rejected:
      return rejected_banner(phase);
    default:
      return fmt::format("does not speak SMTP on that port: {}", phase.detail);
  }
}

std::string no_hello(const PhaseFacts& phase) {
  const std::string_view verb = phase.phase == ProbePhase::ehlo ? "EHLO" : "HELO";
  switch (phase.end) {
    case ProbeEnd::closed:
      return fmt::format(
          "closed the connection at {}, after {}: it may dislike our name or address", verb,
          ms(phase));
    case ProbeEnd::silent:
      return fmt::format("is silent: no reply to {} in {}", verb, ms(phase));
    case ProbeEnd::rejected:
      return fmt::format("refuses {}: \"{}\"", verb, phase.detail);
    default:
      return fmt::format("answers {} with nonsense: {}", verb, phase.detail);
  }
}

std::string why_not_usable(const PhaseFacts& phase) {
  switch (phase.phase) {
    case ProbePhase::lookup:
      return no_lookup(phase);
    case ProbePhase::connect:
      return no_connection(phase);
    case ProbePhase::banner:
      return no_banner(phase);
    default:
      return no_hello(phase);
  }
}

std::string_view why_slow(ProbePhase phase) {
  switch (phase) {
    case ProbePhase::lookup:
      return "our name servers or those of the domain answer slowly";
    case ProbePhase::connect:
      return "a long or lossy way, or a full backlog there";
    case ProbePhase::banner:
      return "the server probably looks up our PTR before it greets (Q258745), delays greetings on "
             "purpose, or is overloaded; measure from both sides of a firewall (Q286375)";
    case ProbePhase::starttls:
      return "the server is overloaded, or starts a process for TLS";
    default:
      return "the server probably checks our name in DNS before it answers, or is overloaded";
  }
}

std::string slow_sentence(const PhaseFacts& phase) {
  return fmt::format("{} took {}: {}", phase_name(phase.phase), ms(phase), why_slow(phase.phase));
}

std::vector<std::string> oddities(const ProbeFacts& facts, Duration slow) {
  std::vector<std::string> found;
  for (const PhaseFacts& phase : facts.phases) {
    if (phase.phase == ProbePhase::connect && phase.end != ProbeEnd::ok)
      found.push_back(fmt::format("{} did not connect: {}", phase.detail, end_name(phase.end)));
    else if (phase.phase == ProbePhase::ehlo && phase.end == ProbeEnd::rejected)
      found.push_back(fmt::format(
          "EHLO was refused, \"{}\", HELO was not: a server without extensions", phase.detail));
    else if (phase.phase == ProbePhase::starttls && phase.end != ProbeEnd::ok)
      found.push_back(
          fmt::format("it offers STARTTLS and does not begin TLS ({}: {}): senders that insist on "
                      "TLS cannot deliver",
                      end_name(phase.end), phase.detail));
    else if (phase.took >= slow)
      found.push_back(slow_sentence(phase));
  }
  return found;
}

}  // namespace

std::string_view phase_name(ProbePhase phase) noexcept {
  static constexpr std::array<std::string_view, 6> kNames{"lookup", "connect", "banner",
                                                          "ehlo",   "helo",    "starttls"};
  return kNames[static_cast<std::size_t>(phase)];
}

std::string_view end_name(ProbeEnd end) noexcept {
  static constexpr std::array<std::string_view, 9> kNames{"ok",      "no name",     "no dns",
                                                          "refused", "unreachable", "silent",
                                                          "closed",  "rejected",    "nonsense"};
  return kNames[static_cast<std::size_t>(end)];
}

Judgement judge(const ProbeFacts& facts, Duration slow) {
  if (facts.phases.empty())
    return {Usability::not_usable, facts.target + " was not asked anything"};
  const PhaseFacts& last = facts.phases.back();
  if (last.end != ProbeEnd::ok && last.phase != ProbePhase::starttls)
    return {Usability::not_usable, facts.target + " " + why_not_usable(last)};
  const std::vector<std::string> found = oddities(facts, slow);
  if (!found.empty())
    return {Usability::slow_or_odd,
            fmt::format("{} is usable, but {}", facts.target, fmt::join(found, "; "))};
  Duration total{};
  for (const PhaseFacts& phase : facts.phases) total += phase.took;
  return {Usability::fine,
          fmt::format("{} is fine: ready for mail after {} ms", facts.target, total.count())};
}

}  // namespace postrider::control
