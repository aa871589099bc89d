// SPDX-License-Identifier: MIT
#include "control/why_text.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "control/phrase.hpp"

namespace postrider::control {
namespace {

constexpr std::size_t kNamed = 5;  // recipients that fare alike, named one by one

Json list(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_array() ? *found : Json::array();
}

std::string line(std::string_view what, const std::string& said) {
  return fmt::format("  {:<11} {}\n", what, said);
}

std::string next_text(const Json& next) {
  const std::string at = text(next, "at");
  return fmt::format("{}{} ({})", at.empty() ? "" : moment(at) + ", ", text(next, "text"),
                     "set by: " + text(next, "set_by"));
}

/// All that is said of a recipient but its address: those that fare alike are told together.
std::string lot_of(const Json& recipient) {
  const std::string status = text(recipient, "status");
  const std::string reason = text(recipient, "reason"), remote = text(recipient, "remote");
  const std::uint64_t attempts = number(recipient, "attempts");
  std::string lot =
      fmt::format(": {}{}\n", text(recipient, "state"),
                  attempts == 0 ? ", not tried yet" : " after " + counted(attempts, "attempt"));
  lot += line("reason", (status.empty() ? "" : status + " ") + reason +
                            (remote.empty() || reason.contains(remote) ? "" : ", by " + remote));
  if (const std::string own = text(recipient, "give_up_at"); !own.empty())
    lot += line("given up", moment(own));
  return lot + line("next", next_text(recipient.value("next", Json::object())));
}

std::string recipients_text(const Json& recipients, const std::string& destination) {
  std::vector<std::pair<std::string, std::vector<std::string>>> lots;
  for (const Json& one : recipients) {
    if (text(one, "destination") != destination) continue;
    const std::string lot = lot_of(one);
    auto found = std::ranges::find(lots, lot, [](const auto& known) { return known.first; });
    if (found == lots.end()) found = lots.insert(found, {lot, {}});
    found->second.push_back(text(one, "address"));
  }
  std::string out;
  for (const auto& [lot, addresses] : lots) {
    for (std::size_t i = 0; i < std::min(addresses.size(), kNamed); ++i)
      out += (i == 0 ? "" : ", ") + (addresses[i].empty() ? "?" : addresses[i]);
    if (addresses.size() > kNamed) out += fmt::format(" and {} more", addresses.size() - kNamed);
    out += lot;
  }
  return out;
}

/// "answers", or how often it failed and how long it is left alone.
std::string condition(const Json& health) {
  const std::uint64_t failures = number(health, "failures"), wait = number(health, "back_off_s");
  if (failures == 0)
    return text(health, "last_success").empty() && text(health, "last_answer").empty()
               ? "not tried yet"
               : "answers";
  std::string out = fmt::format("failed {} in a row", counted(failures, "time"));
  return out + (wait > 0 ? ", left alone for " + span_text(static_cast<std::int64_t>(wait))
                         : ", may be tried");
}

std::string last_text(const Json& health) {
  std::string out;
  for (const auto& [key, what] : {std::pair{"last_success", "last success"},
                                  std::pair{"last_answer", "last answer without success"},
                                  std::pair{"last_failure", "last failure"}})
    if (const std::string time = text(health, key); !time.empty())
      out += fmt::format("{}{}: {}", out.empty() ? "" : ", ", what, away(time));
  return out;
}

std::string health_text(const Json& health) {
  if (health.contains("unavailable")) return line("health", text(health, "unavailable"));
  std::string out = line(
      "health",
      fmt::format("{}; {} of {}; deliveries: {} ready, {} delayed, {} active", condition(health),
                  number(health, "couriers"), counted(number(health, "limit"), "connection"),
                  number(health, "ready"), number(health, "delayed"), number(health, "active")));
  if (const std::string last = last_text(health); !last.empty()) out += line("", last);
  if (const std::string trouble = text(health, "trouble"); !trouble.empty())
    out += line("", "its trouble: " + trouble);
  return out;
}

std::string hosts_text(const Json& route) {
  std::string out;
  for (const Json& host : list(route, "hosts")) {
    std::string addresses;
    for (const Json& address : list(host, "addresses"))
      addresses += (addresses.empty() ? "" : ", ") + address.get<std::string>();
    out += line("", fmt::format("{:>3} {} port {}: {}", number(host, "preference"),
                                text(host, "host"), number(host, "port"), addresses));
  }
  return out;
}

std::string route_text(const Json& route) {
  if (route.contains("unavailable")) return line("route", text(route, "unavailable"));
  std::string out;
  for (const Json& one : list(route, "routes")) {
    const bool ends = one.value("ttl_left", Json()).is_number();
    const std::string life =
        ends ? fmt::format("TTL {} s, {} s left", number(one, "ttl"), number(one, "ttl_left"))
             : std::string("kept until it is flushed");
    const std::string refusal = text(one, "refusal");
    out +=
        line("route", fmt::format("{}: {}; {}; looked up {} s ago (loop {})", text(one, "origin"),
                                  refusal.empty() ? text(one, "last_result") : refusal, life,
                                  number(one, "age"), number(one, "loop")));
    out += hosts_text(one);
  }
  return out;
}

std::string session_text(const Json& session) {
  const std::string began = text(session, "began"), remote = text(session, "remote");
  std::string out =
      line("attempt", fmt::format("{} ({}): {}{}{}", began, away(began), text(session, "id"),
                                  remote == "-" ? ", no connection" : " with " + remote,
                                  session.value("open", false) ? ", still open" : ""));
  for (const Json& one : list(session, "lines"))
    out += fmt::format("    {:>7} {} {}\n", fmt::format("+{}ms", number(one, "ms")),
                       text(one, "kind"), text(one, "text"));
  return out;
}

std::string attempt_text(const Json& attempt) {
  if (attempt.contains("unavailable")) return line("transcript", text(attempt, "unavailable"));
  std::string out;
  for (const Json& session : list(attempt, "sessions")) out += session_text(session);
  return out;
}

}  // namespace

std::string why_text(const Json& answer) {
  std::string out = fmt::format("{}  from <{}>, {} octets\n", text(answer, "id"),
                                text(answer, "sender"), number(answer, "size"));
  out += line("arrived", moment(text(answer, "arrived")));
  out += line("given up", moment(text(answer, "give_up_at")));
  const Json recipients = list(answer, "recipients");
  out += recipients_text(recipients, "");
  for (const Json& place : list(answer, "destinations")) {
    const std::string destination = text(place, "destination");
    out += "\n" + recipients_text(recipients, destination);
    out += line("destination", destination);
    out += health_text(place.value("health", Json::object()));
    out += route_text(place.value("route", Json::object()));
    out += attempt_text(place.value("last_attempt", Json::object()));
  }
  return out;
}

}  // namespace postrider::control
