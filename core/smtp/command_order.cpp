// SPDX-License-Identifier: MIT
#include "smtp/command_order.hpp"

#include <array>

namespace postrider::smtp {
namespace {

enum class Order : std::uint8_t { yes, greet, nested, no_mail, no_rcpt, busy };
using enum Order;
enum class Argument : std::uint8_t { any, none, some };

struct Rule {
  std::array<Order, 4> order;  // connected, greeted, mail, rcpt
  Argument argument;
  std::string_view syntax;
};

constexpr std::array<Order, 4> kAlways{yes, yes, yes, yes};
constexpr std::array<Order, 4> kBetween{greet, yes, busy, busy};
constexpr std::array<Order, 4> kContent{greet, no_mail, no_rcpt, yes};

// One row a verb, in the order of enum Verb.
constexpr std::array<Rule, 17> kRules{{
    {kAlways, Argument::any, ""},  // unknown
    {kAlways, Argument::some, "HELO host.name"},
    {kAlways, Argument::some, "EHLO host.name"},  // ends a transaction, like RSET
    {kAlways, Argument::some, "LHLO host.name"},
    {{greet, yes, nested, nested}, Argument::some, "MAIL FROM:<address>"},
    {{greet, no_mail, yes, yes}, Argument::some, "RCPT TO:<address>"},
    {kContent, Argument::none, "DATA"},
    {kAlways, Argument::none, "RSET"},
    {kAlways, Argument::any, "NOOP"},
    {kAlways, Argument::none, "QUIT"},
    {kAlways, Argument::some, "VRFY address"},
    {kAlways, Argument::some, "EXPN list"},
    {kAlways, Argument::any, "HELP"},
    {kBetween, Argument::none, "STARTTLS"},
    {kBetween, Argument::some, "AUTH mechanism"},
    {kContent, Argument::some, "BDAT size [LAST]"},
    {kBetween, Argument::some, "ETRN domain"},
}};
static_assert(kRules.size() == static_cast<std::size_t>(Verb::etrn) + 1);
static_assert(kRules[static_cast<std::size_t>(Verb::etrn)].syntax.starts_with("ETRN"));
static_assert(kRules[static_cast<std::size_t>(Verb::quit)].syntax == "QUIT");

std::optional<Reply> refusal(Order order, bool lmtp) {
  switch (order) {
    case yes:
      return std::nullopt;
    case greet:
      return lmtp ? Reply("503 5.5.1 Say LHLO first") : Reply("503 5.5.1 Say EHLO or HELO first");
    case nested:
      return Reply("503 5.5.1 A transaction is open already; say RSET to end it");
    case no_mail:
      return Reply("503 5.5.1 Say MAIL first");
    case no_rcpt:
      // RFC 5321 section 3.3 allows either; RFC 2033 section 4.2 demands 503 on LMTP.
      return lmtp ? Reply("503 5.5.1 No valid recipients") : Reply("554 5.5.1 No valid recipients");
    case busy:
      return Reply("503 5.5.1 Not during a transaction");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Reply> check_order(const Command& command, SessionState state, bool lmtp) {
  const Rule& rule = kRules[static_cast<std::size_t>(command.verb)];
  if (auto refused = refusal(rule.order[static_cast<std::size_t>(state)], lmtp)) return refused;
  const bool wrong = (rule.argument == Argument::none && !command.argument.empty()) ||
                     (rule.argument == Argument::some && command.argument.empty());
  if (wrong) return Reply(501, {5, 5, 4}, "Syntax: " + std::string(rule.syntax));
  return std::nullopt;
}

}  // namespace postrider::smtp
