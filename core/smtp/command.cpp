// SPDX-License-Identifier: MIT
#include "smtp/command.hpp"

#include <algorithm>
#include <array>

#include <postrider/path.hpp>

namespace postrider::smtp {
namespace {

constexpr std::array<std::string_view, 17> kNames{
    "",     "HELO", "EHLO", "LHLO", "MAIL",     "RCPT", "DATA", "RSET", "NOOP",
    "QUIT", "VRFY", "EXPN", "HELP", "STARTTLS", "AUTH", "BDAT", "ETRN"};
constexpr std::string_view kBlank = " \t";

std::string_view trimmed(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  return text.substr(0, text.find_last_not_of(kBlank) + 1);
}

}  // namespace

Command parse_command(std::string_view line) noexcept {
  const std::size_t end = std::min(line.find_first_of(kBlank), line.size());
  const std::string_view word = line.substr(0, end);
  const auto same = [word](std::string_view name) { return equal_ignoring_case(word, name); };
  const auto found = std::find_if(kNames.begin() + 1, kNames.end(), same);
  if (found == kNames.end()) return {};
  return {static_cast<Verb>(found - kNames.begin()), trimmed(line.substr(end))};
}

std::string_view verb_name(Verb verb) noexcept {
  return kNames[static_cast<std::size_t>(verb)];
}

}  // namespace postrider::smtp
