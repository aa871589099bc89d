// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <algorithm>
#include <array>

namespace postrider::protocol_log {
namespace {

std::optional<std::string> network_mistake(std::string_view text) {
  const auto network = Network::parse(text);
  if (network) return std::nullopt;
  return setting::quoted(text) + " is not a network: " + network.error() +
         "; write for example \"192.0.2.0/24\"";
}

std::optional<std::string> name_mistake(std::string_view text) {
  if (text.starts_with("*.")) text.remove_prefix(2);
  const bool literal = text.starts_with('[') && text.ends_with(']');
  if (literal || (!text.empty() && std::ranges::none_of(text, [](char c) {
        return c == '*' || c == '@' || c == ' ';
      })))
    return std::nullopt;
  return "a host name or domain is expected, as \"example.org\" or \"*.example.org\"";
}

std::vector<std::string> lowered(const std::vector<std::string>& names) {
  std::vector<std::string> result;
  for (const std::string& name : names) result.push_back(lower(name));
  return result;
}

}  // namespace

std::string_view level_name(Level level) noexcept {
  static constexpr std::array<std::string_view, 4> kNames{"off", "connections", "commands", "full"};
  return kNames[static_cast<std::size_t>(level) % kNames.size()];
}

Filter Settings::filter() const {
  Filter filter{direction, {}, lowered(hosts), lowered(senders), lowered(recipients)};
  for (const std::string& text : networks) filter.networks.push_back(Network::parse(text).value());
  return filter;
}

void Settings::describe(Schema<Settings>& schema) {
  schema.field("level", &Settings::level, "How much is recorded")
      .choices({{"off", Level::off},
                {"connections", Level::connections},
                {"commands", Level::commands},
                {"full", Level::full}});
  schema.field("format", &Settings::format, "Lines for people, or one JSON object a line")
      .choices({{"text", Format::text}, {"json", Format::json}});
  schema.field("file", &Settings::file, "Where the records go; SIGUSR1 opens it again");
  schema.field("direction", &Settings::direction, "Incoming sessions, outgoing attempts, or both")
      .choices({{"both", Direction::both}, {"in", Direction::in}, {"out", Direction::out}});
  schema.field("networks", &Settings::networks, "Only remotes in these networks; empty: all")
      .check(network_mistake);
  schema.field("hosts", &Settings::hosts, "Only these remotes, by next hop, HELO or reverse name")
      .check(name_mistake);
  schema.field("senders", &Settings::senders, "Only with a sender in these domains")
      .check(name_mistake);
  schema.field("recipients", &Settings::recipients, "Only with a recipient in these domains")
      .check(name_mistake);
  schema.field("buffer", &Settings::buffer, "What may wait for the disk before lines are dropped")
      .between(64_KiB, 1_GiB);
  schema.field("max_size", &Settings::max_size, "A larger file becomes FILE.1; 0: no such limit");
  schema.field("keep", &Settings::keep, "How many of FILE.1, FILE.2, ... are kept")
      .between(1, 1000);
  schema
      .field("recorder", &Settings::recorder,
             "Ended sessions and attempts that each loop remembers for postrider trace")
      .between(0, 100000);
  schema.field("record_size", &Settings::record_size, "Octets remembered of each")
      .between(1_KiB, 1_MiB);
  schema.field("check_own_name", &Settings::check_own_name,
               "Look up our own PTR at start and hourly, as evidence in verdicts");
}

}  // namespace postrider::protocol_log
