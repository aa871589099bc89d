// SPDX-License-Identifier: MIT
#include "smtp/parameters.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>

#include <postrider/path.hpp>

namespace postrider::smtp {
namespace {

constexpr std::size_t kEnvidLimit = 100;  // RFC 3461 section 4.4
constexpr std::size_t kOrcptLimit = 500;  // RFC 3461 section 4.2

struct Parameter {
  std::string_view keyword;
  std::optional<std::string_view> value;
};

constexpr bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_keyword(std::string_view text) noexcept {
  return !text.empty() && is_alnum(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_alnum(c) || c == '-'; });
}

/// esmtp-value of RFC 5321; octets over 127 are for ORCPT (RFC 6533), which looks again.
bool is_value(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return static_cast<unsigned char>(c) > 32 && c != '=' && c != 127;
  });
}

/// The next parameter of `text`, which loses it; nothing if it is ill-formed.
std::optional<Parameter> take(std::string_view& text) noexcept {
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::size_t equals = word.find('=');
  Parameter parameter{word.substr(0, equals), std::nullopt};
  if (!is_keyword(parameter.keyword)) return std::nullopt;
  if (equals == word.npos) return parameter;
  parameter.value = word.substr(equals + 1);
  if (!is_value(*parameter.value)) return std::nullopt;
  return parameter;
}

bool has_control(std::string_view text) noexcept {
  return std::ranges::any_of(text, [](char c) { return (c >= 0 && c < 32) || c == 127; });
}

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= 0; });
}

bool is_printable_xtext(std::string_view xtext) {
  const auto text = xtext_decode(xtext);
  return text && is_ascii(*text) && !has_control(*text);
}

bool read_size(std::string_view value, MailParameters& mail) {
  if (value.size() > 20 || !std::ranges::all_of(value, [](char c) { return c >= '0' && c <= '9'; }))
    return false;
  const auto error = std::from_chars(value.data(), value.data() + value.size(), mail.size).ec;
  if (error == std::errc::result_out_of_range)
    mail.size = std::numeric_limits<std::uint64_t>::max();
  return true;
}

bool read_ret(std::string_view value, MailParameters& mail) {
  const bool full = equal_ignoring_case(value, "FULL");
  mail.ret = full ? Return::full : Return::headers;
  return full || equal_ignoring_case(value, "HDRS");
}

bool read_body(std::string_view value, const Offer& offer, MailParameters& mail) {
  if (equal_ignoring_case(value, "7BIT")) {
    mail.body = Body::seven_bit;
  } else if (equal_ignoring_case(value, "8BITMIME")) {
    mail.body = Body::eight_bit;
  } else if (equal_ignoring_case(value, "BINARYMIME") && offer.binarymime) {
    mail.body = Body::binary;
  }
  return mail.body != Body::unsaid;
}

/// NEVER alone, or a list of the others.
bool read_notify(std::string_view value, RcptParameters& rcpt) {
  if (equal_ignoring_case(value, "NEVER")) {
    rcpt.notify = notify::kNever;
    return true;
  }
  while (true) {
    const std::size_t comma = value.find(',');
    const std::string_view word = value.substr(0, comma);
    const std::uint8_t bit = equal_ignoring_case(word, "SUCCESS")   ? notify::kSuccess
                             : equal_ignoring_case(word, "FAILURE") ? notify::kFailure
                             : equal_ignoring_case(word, "DELAY")   ? notify::kDelay
                                                                    : notify::kUnsaid;
    if (bit == 0 || (rcpt.notify & bit) != 0) return false;
    rcpt.notify = static_cast<std::uint8_t>(rcpt.notify | bit);
    if (comma == value.npos) return true;
    value.remove_prefix(comma + 1);
  }
}

/// RFC 6533 section 3: UTF-8 as it is, or "\x{HEX}" for a character that is no control.
bool is_utf8_address(std::string_view text) {
  if (printable(text, text.size()) != text) return false;
  for (std::size_t at = text.find('\\'); at != text.npos; at = text.find('\\', at + 1)) {
    const std::size_t end = text.find('}', at);
    if (text.substr(at, 3) != "\\x{" || end == text.npos) return false;
    const std::string_view digits = text.substr(at + 3, end - at - 3);
    std::uint32_t value = 0;
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    const bool whole = read.ec == std::errc() && read.ptr == digits.data() + digits.size();
    if (!whole || digits.size() > 6 || value < 0x20 || (value >= 0x7F && value < 0xA0) ||
        value > 0x10FFFF || (value >= 0x2028 && value <= 0x202E))
      return false;
  }
  return true;
}

bool read_orcpt(std::string_view value, const Offer& offer, RcptParameters& rcpt) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == value.npos || semicolon + 1 == value.size() || value.size() > kOrcptLimit)
    return false;
  const std::string_view type = value.substr(0, semicolon);
  const std::string_view address = value.substr(semicolon + 1);
  const bool utf8 = equal_ignoring_case(type, "utf-8");
  if (utf8 ? !is_utf8_address(address) || (!offer.smtputf8 && !is_ascii(address))
           : !is_printable_xtext(address))
    return false;
  rcpt.orcpt = value;
  return is_keyword(type);
}

enum class Result : std::uint8_t { good, bad, unknown };
constexpr Result good_if(bool good) {
  return good ? Result::good : Result::bad;
}

constexpr std::array<std::string_view, 6> kMailKeywords{"SIZE", "BODY",  "SMTPUTF8",
                                                        "RET",  "ENVID", "AUTH"};
constexpr std::array<std::string_view, 2> kRcptKeywords{"NOTIFY", "ORCPT"};

Result read_mail(std::size_t which, std::optional<std::string_view> value, const Offer& offer,
                 MailParameters& mail) {
  if (which == 2) {
    if (!offer.smtputf8) return Result::unknown;
    mail.smtputf8 = true;
    return good_if(!value);
  }
  const bool offered = which == 0   ? true
                       : which == 1 ? offer.eight_bit_mime
                       : which == 5 ? !offer.auth_mechanisms.empty()
                                    : offer.dsn;
  if (!offered) return Result::unknown;
  if (!value) return Result::bad;
  switch (which) {
    case 0:
      return good_if(read_size(*value, mail));
    case 1:
      if (equal_ignoring_case(*value, "BINARYMIME") && !offer.binarymime) return Result::unknown;
      return good_if(read_body(*value, offer, mail));
    case 3:
      return good_if(read_ret(*value, mail));
    case 4:
      mail.envid = *value;
      return good_if(value->size() <= kEnvidLimit && is_printable_xtext(*value));
    default:
      mail.auth = *value;
      return good_if(is_printable_xtext(*value));
  }
}

Result read_rcpt(std::size_t which, std::optional<std::string_view> value, const Offer& offer,
                 RcptParameters& rcpt) {
  if (!offer.dsn) return Result::unknown;
  if (!value) return Result::bad;
  return good_if(which == 0 ? read_notify(*value, rcpt) : read_orcpt(*value, offer, rcpt));
}

Reply bad(std::string_view keyword) {
  return {501, {5, 5, 4}, "Bad parameter " + printable(keyword, 40)};
}

template <class Parameters, class Read>
std::expected<Parameters, Reply> parse(std::string_view text, const Offer& offer,
                                       std::span<const std::string_view> keywords, Read read) {
  Parameters parameters;
  unsigned seen = 0;
  while (!text.empty()) {
    const auto parameter = take(text);
    if (!parameter) return std::unexpected(Reply("501 5.5.4 Bad syntax of a parameter"));
    const auto same = [&](std::string_view k) {
      return equal_ignoring_case(k, parameter->keyword);
    };
    const auto found = std::ranges::find_if(keywords, same);
    const auto which = static_cast<std::size_t>(found - keywords.begin());
    const Result result = found == keywords.end()
                              ? Result::unknown
                              : read(which, parameter->value, offer, parameters);
    if (result == Result::unknown) {
      return std::unexpected(
          Reply(555, {5, 5, 4}, "Parameter not supported: " + printable(parameter->keyword, 40)));
    }
    if (result == Result::bad || (seen & (1U << which)) != 0)
      return std::unexpected(bad(parameter->keyword));
    seen |= 1U << which;
  }
  return parameters;
}

}  // namespace

std::expected<MailParameters, Reply> parse_mail_parameters(std::string_view text,
                                                           const Offer& offer) {
  return parse<MailParameters>(text, offer, kMailKeywords, read_mail);
}

std::expected<RcptParameters, Reply> parse_rcpt_parameters(std::string_view text,
                                                           const Offer& offer) {
  return parse<RcptParameters>(text, offer, kRcptKeywords, read_rcpt);
}

}  // namespace postrider::smtp
