// SPDX-License-Identifier: MIT
#include "smtp/capabilities.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <postrider/path.hpp>

namespace postrider::smtp {
namespace {

constexpr std::size_t kMostMechanisms = 32;
constexpr std::string_view kBlank = " \t";

struct Flag {
  std::string_view keyword;
  bool Offer::* offered;
  bool Capabilities::* said;
};

// SIZE and AUTH have arguments of their own.
constexpr std::array kFlags{
    Flag{"PIPELINING", &Offer::pipelining, &Capabilities::pipelining},
    Flag{"8BITMIME", &Offer::eight_bit_mime, &Capabilities::eight_bit_mime},
    Flag{"SMTPUTF8", &Offer::smtputf8, &Capabilities::smtputf8},
    Flag{"ENHANCEDSTATUSCODES", &Offer::enhanced_status_codes,
         &Capabilities::enhanced_status_codes},
    Flag{"DSN", &Offer::dsn, &Capabilities::dsn},
    Flag{"CHUNKING", &Offer::chunking, &Capabilities::chunking},
    Flag{"BINARYMIME", &Offer::binarymime, &Capabilities::binarymime},
    Flag{"STARTTLS", &Offer::starttls, &Capabilities::starttls},
    Flag{"REQUIRETLS", nullptr, &Capabilities::requiretls},
};

/// The first word of `text`, which loses it and the white space around it.
std::string_view take_word(std::string_view& text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kBlank));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return word;
}

void add_mechanisms(std::string_view list, std::vector<std::string>& known) {
  while (!list.empty() && known.size() < kMostMechanisms) {
    std::string name(take_word(list));
    std::ranges::transform(name, name.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    if (!name.empty() && std::ranges::find(known, name) == known.end())
      known.push_back(std::move(name));
  }
}

void read_line(std::string_view line, Capabilities& capabilities) {
  const std::string_view keyword = take_word(line);
  for (const Flag& flag : kFlags)
    if (equal_ignoring_case(keyword, flag.keyword)) capabilities.*flag.said = true;
  if (equal_ignoring_case(keyword, "SIZE")) {
    capabilities.size = true;
    const std::string_view number = take_word(line);
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (error == std::errc() && end == number.data() + number.size()) capabilities.max_size = value;
  } else if (equal_ignoring_case(keyword, "AUTH")) {
    add_mechanisms(line, capabilities.auth_mechanisms);
  } else if (keyword.size() > 5 && equal_ignoring_case(keyword.substr(0, 5), "AUTH=")) {
    add_mechanisms(keyword.substr(5), capabilities.auth_mechanisms);  // before RFC 2554
    add_mechanisms(line, capabilities.auth_mechanisms);
  }
}

}  // namespace

std::vector<std::string> offer(const Offer& offer) {
  std::vector<std::string> lines;
  for (const Flag& flag : kFlags)
    if (flag.offered && offer.*flag.offered) lines.emplace_back(flag.keyword);
  lines.push_back(offer.max_message_size == 0 ? "SIZE"
                                              : "SIZE " + std::to_string(offer.max_message_size));
  if (!offer.auth_mechanisms.empty()) {
    lines.emplace_back("AUTH");
    for (const std::string& mechanism : offer.auth_mechanisms) lines.back() += " " + mechanism;
  }
  return lines;
}

Capabilities parse_capabilities(const Reply& reply) {
  Capabilities capabilities;
  std::string_view rest = reply.text;
  for (bool greeting = true; !rest.empty(); greeting = false) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    if (!greeting) read_line(rest.substr(0, end), capabilities);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return capabilities;
}

}  // namespace postrider::smtp
