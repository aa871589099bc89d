// SPDX-License-Identifier: MIT
#include "record.hpp"

#include <array>
#include <chrono>
#include <cstdio>

#include <postrider/path.hpp>

namespace postrider::protocol_log {
namespace {

constexpr std::size_t kTextLimit = 2048;

std::string time_text(WallTime at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(at - day);
  std::array<char, 80> text{};
  std::snprintf(
      text.data(), text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ld.%03ldZ", int{date.year()},
      unsigned{date.month()}, unsigned{date.day()}, time.hours().count(), time.minutes().count(),
      static_cast<long>(time.seconds().count()), static_cast<long>(time.subseconds().count()));
  return text.data();
}

std::string json_text(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    json += c;
  }
  return json + "\"";
}

std::string_view side_name(Side side) {
  return side == Side::server ? "in" : "out";
}

}  // namespace

std::string_view event_name(EventKind kind) noexcept {
  static constexpr std::array<std::string_view, 11> kNames{
      "connected", "line",     "line",    "data",    "data",   "verdict",
      "banner",    "accepted", "refused", "attempt", "outcome"};
  return kNames[static_cast<std::size_t>(kind) % kNames.size()];
}

std::string format_record(const Record& record, Format format) {
  const std::string text = printable(record.text, kTextLimit);
  const std::string id = printable(record.id, 64);
  const std::string elapsed = std::to_string(record.elapsed.count());
  std::string line;
  if (format == Format::text) {
    line = time_text(record.at) + " " + id + " ";
    line.append(side_name(record.side)).append(1, ' ');
    line += record.local.text() + " " + record.remote.text() + " +" + elapsed + "ms ";
    line.append(record.kind).append(1, ' ').append(text);
  } else {
    line = "{\"time\":" + json_text(time_text(record.at)) + ",\"id\":" + json_text(id) +
           ",\"side\":" + json_text(side_name(record.side)) +
           ",\"local\":" + json_text(record.local.text()) +
           ",\"remote\":" + json_text(record.remote.text()) + ",\"ms\":" + elapsed +
           ",\"kind\":" + json_text(record.kind) + ",\"text\":" + json_text(text) + "}";
  }
  return line + "\n";
}

}  // namespace postrider::protocol_log
