// SPDX-License-Identifier: MIT
#include "control/count_text.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "control/phrase.hpp"

namespace postrider::control {
namespace {

constexpr std::array kStates{"queued", "active", "delayed", "held", "failed"};

std::string title_line(std::size_t width, const Json& answer, bool by_age) {
  std::string line = fmt::format("{:{}}  {:>7}", "", width, "all");
  if (by_age) {
    for (const Json& minutes : answer.at("age_limits_min"))
      line += fmt::format(" {:>6}", fmt::format("{}m", minutes.get<int>()));
    return line + "  older\n";
  }
  for (const char* state : kStates) line += fmt::format(" {:>7}", state);
  return line + "  oldest\n";
}

std::string group_line(const std::string& name, std::size_t width, const Json& group, bool by_age) {
  std::string line = fmt::format("{:{}}  {:>7}", name, width, number(group, "recipients"));
  if (by_age) {
    for (const Json& count : group.at("ages"))
      line += fmt::format(" {:>6}", count.get<std::uint64_t>());
    return line + "\n";
  }
  for (const char* state : kStates) line += fmt::format(" {:>7}", number(group, state));
  const std::string oldest = text(group, "oldest");
  return line + (oldest.empty() ? "" : "  " + oldest) + "\n";
}

}  // namespace

std::string count_text(const Json& answer, bool by_age) {
  const Json& groups = answer.at("groups");
  std::size_t width = 5;
  for (const Json& group : groups)
    width = std::max(width, group.at("name").get<std::string>().size());
  std::string out = title_line(width, answer, by_age);
  out += group_line("TOTAL", width, answer.at("all"), by_age);
  for (const Json& group : groups)
    out += group_line(group.at("name").get<std::string>(), width, group, by_age);
  const auto all = answer.at("groups_in_all").get<std::size_t>();
  if (all > groups.size()) out += fmt::format("and {} more; see --limit\n", all - groups.size());
  return out + fmt::format("{}, {}\n", counted(number(answer, "messages"), "message"),
                           counted(number(answer, "octets"), "octet"));
}

}  // namespace postrider::control
