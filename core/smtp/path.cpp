// SPDX-License-Identifier: MIT
#include "smtp/path.hpp"

#include <algorithm>
#include <optional>

#include "smtp/parameters.hpp"

namespace postrider::smtp {
namespace {

using Text = std::expected<std::string_view, std::string>;

struct Parts {
  std::string_view inside;      // between the angle brackets
  std::string_view parameters;  // what follows, without the blanks before it
};

/// Where the path's closing bracket is: the first one outside quotes.
std::size_t closing_bracket(std::string_view text) noexcept {
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '>' && !quoted) {
      return i;
    }
  }
  return text.npos;
}

/// Nothing if the argument does not have the form KEYWORD:<...> [parameters].
std::optional<Parts> split(std::string_view argument, std::string_view keyword) {
  if (!equal_ignoring_case(argument.substr(0, keyword.size()), keyword)) return std::nullopt;
  argument.remove_prefix(keyword.size());
  if (argument.starts_with(' ')) argument.remove_prefix(1);
  if (!argument.starts_with('<')) return std::nullopt;
  const std::size_t end = closing_bracket(argument);
  if (end == argument.npos) return std::nullopt;
  Parts parts{argument.substr(1, end - 1), argument.substr(end + 1)};
  if (!parts.parameters.empty() && parts.parameters.front() != ' ') return std::nullopt;
  parts.parameters.remove_prefix(
      std::min(parts.parameters.find_first_not_of(' '), parts.parameters.size()));
  return parts;
}

/// The mailbox behind "@one,@two:". Every hop must be a domain; none of them is used.
Text without_route(std::string_view inside) {
  if (!inside.starts_with('@')) return inside;
  const std::size_t colon = inside.find(':');
  if (colon == inside.npos) return std::unexpected("source route without a mailbox");
  std::string_view hops = inside.substr(0, colon);
  if (hops.size() > 1000) return std::unexpected("source route too long");
  while (!hops.empty()) {
    const std::size_t comma = std::min(hops.find(','), hops.size());
    const std::string hop = "a" + std::string(hops.substr(0, comma));
    const auto parsed = Path::parse(hop, true);
    if (!hops.starts_with('@') || !parsed) return std::unexpected("bad source route");
    if (comma + 1 == hops.size()) return std::unexpected("bad source route");
    hops.remove_prefix(std::min(comma + 1, hops.size()));
  }
  const std::string_view mailbox = inside.substr(colon + 1);
  if (mailbox.find('@') == mailbox.npos) return std::unexpected("no domain");
  return mailbox;
}

std::expected<Path, std::string> mailbox(std::string_view inside) {
  const Text text = without_route(inside);
  if (!text) return std::unexpected(text.error());
  return Path::parse(*text, true);
}

Reply bad_address(std::string_view whose, std::uint16_t detail, const std::string& why) {
  return {501, {5, 1, detail}, "Bad " + std::string(whose) + " address: " + why};
}

}  // namespace

std::expected<MailArgument, Reply> parse_mail_argument(std::string_view argument,
                                                       bool smtputf8_offered, const Offer& offer) {
  const auto parts = split(argument, "FROM:");
  if (!parts) return std::unexpected(Reply("501 5.5.4 Syntax: MAIL FROM:<address> [parameters]"));
  MailArgument mail;
  if (!parts->inside.empty()) {
    auto path = mailbox(parts->inside);
    if (!path) return std::unexpected(bad_address("sender", 7, path.error()));
    if (path->domain().empty()) return std::unexpected(bad_address("sender", 7, "no domain"));
    mail.path = std::move(*path);
  }
  Offer offered = offer;
  offered.smtputf8 = offer.smtputf8 && smtputf8_offered;
  auto parameters = parse_mail_parameters(parts->parameters, offered);
  if (!parameters) return std::unexpected(std::move(parameters.error()));
  mail.parameters = std::move(*parameters);
  if (!mail.path.is_ascii() && !mail.parameters.smtputf8)
    return std::unexpected(Reply("553 5.6.7 Sender address holds UTF-8 without SMTPUTF8"));
  return mail;
}

std::expected<RcptArgument, Reply> parse_rcpt_argument(std::string_view argument, bool smtputf8,
                                                       const Offer& offer) {
  const auto parts = split(argument, "TO:");
  if (!parts) return std::unexpected(Reply("501 5.5.4 Syntax: RCPT TO:<address> [parameters]"));
  RcptArgument rcpt;
  auto path = mailbox(parts->inside);
  if (!path) return std::unexpected(bad_address("recipient", 3, path.error()));
  rcpt.path = std::move(*path);
  if (!rcpt.path.is_ascii() && !smtputf8)
    return std::unexpected(Reply("553 5.6.7 Recipient address holds UTF-8 without SMTPUTF8"));
  Offer offered = offer;
  offered.smtputf8 = smtputf8;
  auto parameters = parse_rcpt_parameters(parts->parameters, offered);
  if (!parameters) return std::unexpected(std::move(parameters.error()));
  rcpt.parameters = std::move(*parameters);
  return rcpt;
}

}  // namespace postrider::smtp
