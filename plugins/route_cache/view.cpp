// SPDX-License-Identifier: MIT
#include "view.hpp"

#include <chrono>

#include <postrider/path.hpp>

#include "json_text.hpp"

namespace postrider::route_cache {
namespace {

std::string member(const char* key, const std::string& json) {
  return "\"" + std::string(key) + "\": " + json;
}

std::string json_of(const Hop& hop) {
  std::string addresses;
  for (const IpAddress& address : hop.addresses)
    addresses += (addresses.empty() ? "" : ", ") + quoted(address.text());
  return "{" + member("host", quoted(hop.name)) + ", " +
         member("preference", std::to_string(hop.preference)) + ", " +
         member("port", std::to_string(hop.port)) + ", " +
         member("addresses", "[" + addresses + "]") + "}";
}

std::string answer_json(const RouteResult& result) {
  if (!result)
    return member("hosts", "[]") + ", " + member("refusal", quoted(result.error().line()));
  std::string hosts;
  for (const Hop& hop : result->hops) hosts += (hosts.empty() ? "" : ", ") + json_of(hop);
  return member("hosts", "[" + hosts + "]");
}

std::string seconds_since(TimePoint then, TimePoint now) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(now - then).count());
}

}  // namespace

bool is_called(const Destination& destination, std::string_view name) {
  const std::string wanted = lower(name);
  return destination.name == wanted || lower(destination.text()) == wanted;
}

std::string json_of(const Entry& entry, TimePoint now, unsigned loop) {
  const auto end = entry.ends_at();
  // DNS counts in whole seconds; what the lookup took of them is not of interest here.
  const auto life = std::chrono::ceil<std::chrono::seconds>(entry.lives.length).count();
  return "{" + member("destination", quoted(entry.destination.text())) + ", " +
         member("loop", std::to_string(loop)) + ", " +
         member("origin", quoted(entry.result ? entry.result->origin : "refusal")) + ", " +
         answer_json(entry.result) + ", " + member("ttl", end ? std::to_string(life) : "null") +
         ", " + member("ttl_left", end ? seconds_since(now, *end) : "null") + ", " +
         member("age", seconds_since(entry.found_at, now)) + ", " +
         member("hits", std::to_string(entry.hits)) + ", " +
         member("last_result", quoted(entry.last_result)) + "}";
}

std::string json_of(const Lookup& lookup, TimePoint now, unsigned loop) {
  return "{" + member("destination", quoted(lookup.destination.text())) + ", " +
         member("loop", std::to_string(loop)) + ", " +
         member("age", seconds_since(lookup.asked_at, now)) + "}";
}

std::string in_words(const RouteResult& result, Duration took) {
  const std::string time = " in " + std::to_string(took.count()) + " ms";
  if (!result) return printable(result.error().line()) + time;
  const std::size_t hosts = result->hops.size();
  return "found " + std::to_string(hosts) + (hosts == 1 ? " host" : " hosts") + time;
}

}  // namespace postrider::route_cache
