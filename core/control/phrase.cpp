// SPDX-License-Identifier: MIT
#include "control/phrase.hpp"

#include <ctime>

#include <fmt/format.h>

namespace postrider::control {

std::string text(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<std::uint64_t>() : 0;
}

std::string span_text(std::int64_t seconds) {
  if (seconds < 120) return fmt::format("{} s", seconds);
  const auto rounded = [seconds](std::int64_t unit) { return (seconds + unit / 2) / unit; };
  if (seconds < 2 * 3600) return fmt::format("{} min", rounded(60));
  if (seconds < 48 * 3600) return fmt::format("{} h", rounded(3600));
  return fmt::format("{} days", rounded(86400));
}

std::string away(const std::string& time) {
  std::tm parts{};
  if (!::strptime(time.c_str(), "%Y-%m-%dT%H:%M:%S", &parts)) return {};
  const std::int64_t seconds = ::timegm(&parts) - std::time(nullptr);
  if (seconds == 0) return "now";
  return seconds > 0 ? "in " + span_text(seconds) : span_text(-seconds) + " ago";
}

std::string moment(const std::string& time) {
  const std::string distance = away(time);
  return distance.empty() ? time : fmt::format("{} ({})", time, distance);
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", count, noun, count == 1 ? "" : "s");
}

}  // namespace postrider::control
