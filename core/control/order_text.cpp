// SPDX-License-Identifier: MIT
#include "control/order_text.hpp"

#include <map>

#include <fmt/format.h>

#include "control/phrase.hpp"

namespace postrider::control {
namespace {

std::string meaning(const std::string& mode) {
  static const std::map<std::string, std::string> kMeanings{
      {"inbound-outbound", "mail is taken and delivered"},
      {"inbound-only", "mail is taken and queued, nothing is tried"},
      {"outbound-only", "clients are turned away with 421, what is queued is delivered"},
      {"none", "clients are turned away with 421, nothing is tried"}};
  const auto found = kMeanings.find(mode);
  return found == kMeanings.end() ? "" : found->second;
}

std::string mode_sentence(const Json& answer) {
  const std::string mode = text(answer, "mode"), ordered = text(answer, "ordered_since");
  std::string out = fmt::format("{}: {}", mode, meaning(mode));
  if (!ordered.empty())
    out += fmt::format(" (ordered {}; server.mode is {})", moment(ordered),
                       text(answer, "configured"));
  return out;
}

std::string drain_sentence(const Json& answer) {
  const std::string since = text(answer, "draining_since");
  if (since.empty()) return {};
  return fmt::format("draining since {}: clients are turned away with 421; {}", moment(since),
                     answer.value("stops_when_drained", false)
                         ? "stops when no mail waits"
                         : "stays until postrider drain --cancel, or stop");
}

}  // namespace

std::string orders_text(const Json& answer) {
  std::string out = mode_sentence(answer) + "\n";
  if (const std::string draining = drain_sentence(answer); !draining.empty())
    out += draining + "\n";
  for (const Json& one : answer.at("suspended"))
    out += fmt::format("suspended: {} since {}{}{}\n", text(one, "destination"),
                       moment(text(one, "since")), text(one, "reason").empty() ? "" : ": ",
                       text(one, "reason"));
  if (answer.value("destinations", 1) == 0)
    out +=
        "No destination of that name has mail now. Smart hosts and addresses have names of their "
        "own: see postrider destinations.\n";
  return out;
}

std::string drain_text(const Json& answer) {
  const Json& queue = answer.at("queue");
  const std::string draining = drain_sentence(answer);
  return fmt::format(
      "{}\nrecipients: {} queued, {} active, {} delayed; {} held and {} failed stay\n",
      draining.empty() ? mode_sentence(answer) : draining, number(queue, "queued"),
      number(queue, "active"), number(queue, "delayed"), number(queue, "held"),
      number(queue, "failed"));
}

std::string orders_line(const Json& answer) {
  std::string out;
  if (text(answer, "mode") != "inbound-outbound" || !text(answer, "ordered_since").empty())
    out += "mode       " + mode_sentence(answer) + "\n";
  if (const std::string draining = drain_sentence(answer); !draining.empty())
    out += "mode       " + draining + "\n";
  const Json& suspended = answer.at("suspended");
  if (suspended.empty()) return out;
  std::string names;
  for (const Json& one : suspended) names += (names.empty() ? "" : ", ") + text(one, "destination");
  return out + fmt::format("suspended  {}\n", names);
}

}  // namespace postrider::control
