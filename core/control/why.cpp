// SPDX-License-Identifier: MIT
#include "control/why.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "control/next_step.hpp"
#include "control/phrase.hpp"

namespace postrider::control {
namespace {

Json unavailable(std::string why) {
  return {{"unavailable", std::move(why)}};
}

/// A plugin's answer; null if no plugin has the command.
Task<Json> ask_plugin(Daemon& daemon, std::vector<std::string> words) {
  const auto answer = co_await daemon.plugin_command(std::move(words));
  if (!answer) co_return Json(nullptr);
  co_return Json::parse(*answer, nullptr, false);
}

/// "maildir" of "maildir:example.org"; "" for SMTP, which has only a port behind the colon.
std::string_view transport_of(std::string_view destination) {
  const std::size_t colon = destination.find(':');
  if (destination.starts_with('[') || colon == destination.npos) return {};
  const bool is_port = destination.find_first_not_of("0123456789", colon + 1) == destination.npos;
  return is_port ? std::string_view() : destination.substr(0, colon);
}

bool is_address(std::string_view destination) {
  if (!destination.starts_with('[')) return false;
  std::string_view inside = destination.substr(1, destination.find(']') - 1);
  if (inside.starts_with("ipv6:") || inside.starts_with("IPv6:")) inside.remove_prefix(5);
  return IpAddress::parse(inside).has_value();
}

Json health_of(const Listing& listing, const std::string& destination) {
  const auto found = listing.destinations.find(destination);
  if (found == listing.destinations.end())
    return unavailable(
        "nothing is known of it: no mail waits for it, and none was sent to it in the last "
        "minutes");
  return to_json(found->second);
}

Json route_of(const std::string& destination, const Json& answer) {
  if (const auto transport = transport_of(destination); !transport.empty())
    return unavailable(fmt::format("the transport {} needs no route", transport));
  if (is_address(destination)) return unavailable("it is an address: nothing is looked up");
  if (answer.is_null())
    return unavailable(
        "the plugin route_cache is not enabled: every new connection looks the route up");
  if (answer.contains("error")) return unavailable(text(answer, "error"));
  if (Json routes = answer.value("routes", Json::array()); !routes.empty())
    return {{"routes", std::move(routes)}};
  const Json lookups = answer.value("looking_up", Json::array());
  if (lookups.empty()) return unavailable("not cached: it is looked up at the next attempt");
  return unavailable(fmt::format("being looked up since {} s", number(lookups.front(), "age")));
}

/// The sessions of the last attempt at a destination. It belongs to one loop, which tells them in
/// their order. An attempt may try several hosts; the session that has an outcome is its last.
Json last_sessions(const std::string& destination, const Json& traced) {
  std::vector<Json> sessions;
  for (const Json& one : traced.value("sessions", Json::array())) {
    const std::string id = text(one, "id");
    if (text(one, "side") == "out" && id.substr(0, id.rfind('#')) == destination)
      sessions.push_back(one);
  }
  Json last = Json::array();
  bool ended = false;
  for (Json& one : sessions) {
    if (std::exchange(ended, number(one, "outcomes") > 0)) last.clear();
    last.push_back(std::move(one));
  }
  return last;
}

Json last_attempt(const std::string& destination, std::uint32_t attempts, const Json& traced) {
  if (traced.is_null()) return unavailable("the plugin protocol_log is not enabled");
  if (traced.contains("error")) return unavailable(text(traced, "error"));
  if (Json sessions = last_sessions(destination, traced); !sessions.empty())
    return {{"sessions", std::move(sessions)}};
  if (attempts == 0) return unavailable("there was no attempt yet");
  if (const auto transport = transport_of(destination); !transport.empty())
    return unavailable(fmt::format("the transport {} has no SMTP session", transport));
  if (number(traced, "kept") == 0)
    return unavailable("protocol_log remembers no sessions (recorder = 0)");
  return unavailable(
      fmt::format("protocol_log has it no more: it remembers the last {} sessions and attempts "
                  "(recorder), and none from before a restart",
                  number(traced, "kept")));
}

/// The destinations of a message in the order of its recipients, each with its attempts.
std::vector<std::pair<std::string, std::uint32_t>> places_of(const queue::MessageView& message) {
  std::vector<std::pair<std::string, std::uint32_t>> places;
  for (const queue::RecipientView& recipient : message.recipients) {
    if (recipient.destination.empty()) continue;  // of a message that cannot be read
    auto found = std::ranges::find(places, recipient.destination,
                                   &std::pair<std::string, std::uint32_t>::first);
    if (found == places.end()) found = places.insert(found, {recipient.destination, 0});
    found->second = std::max(found->second, recipient.attempts);
  }
  return places;
}

}  // namespace

Task<std::optional<Json>> why(Daemon& daemon, std::string queue_id) {
  queue::Selection selection;
  selection.queue_id = queue_id;
  const Listing found = co_await daemon.list(selection);
  if (found.messages.empty()) co_return std::nullopt;
  const queue::MessageView& message = found.messages.front();
  const Json traced = co_await ask_plugin(daemon, {"trace", "about", message.queue_id});

  Json answer = to_json(found, message);
  for (std::size_t i = 0; i < message.recipients.size(); ++i)
    answer["recipients"][i]["next"] =
        to_json(next_step(standing_of(found, message, message.recipients[i])));
  Json places = Json::array();
  for (const auto& [destination, attempts] : places_of(message)) {
    const Json routes = co_await ask_plugin(daemon, {"routes", destination});
    places.push_back({{"destination", destination},
                      {"health", health_of(found, destination)},
                      {"route", route_of(destination, routes)},
                      {"last_attempt", last_attempt(destination, attempts, traced)}});
  }
  answer["destinations"] = std::move(places);
  co_return std::optional(std::move(answer));
}

}  // namespace postrider::control
