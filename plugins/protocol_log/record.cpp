// SPDX-License-Identifier: MIT
#include "record.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdio>

#include <postrider/path.hpp>

namespace postrider::protocol_log {
namespace {

constexpr std::array<std::string_view, 14> kLabels{
    "connected", "C:",      "S:",      "data", "verdict",   "banner",   "accepted",
    "refused",   "attempt", "outcome", "name", "unreached", "recorder", "dropped"};

void append_number(std::string& out, std::int64_t number) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

/// The calendar is worked out once a second, not once a line.
void append_time(std::string& out, WallTime at) {
  thread_local std::chrono::sys_seconds known{};
  thread_local std::array<char, 80> text{};
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  if (second != known || text[0] == '\0') {
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(second - day);
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ld.", int{date.year()},
                  unsigned{date.month()}, unsigned{date.day()}, time.hours().count(),
                  time.minutes().count(), static_cast<long>(time.seconds().count()));
    known = second;
  }
  const auto milliseconds = static_cast<int>((at - second).count());
  out += text.data();
  out += static_cast<char>('0' + milliseconds / 100);
  out += static_cast<char>('0' + milliseconds / 10 % 10);
  out += static_cast<char>('0' + milliseconds % 10);
  out += 'Z';
}

bool is_plain(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; });
}

void append_printable(std::string& out, std::string_view text) {
  if (is_plain(text))
    out += text;
  else
    out += printable(text, text.size());
}

}  // namespace

std::string time_text(WallTime at) {
  std::string text;
  append_time(text, at);
  return text;
}

void append_json(std::string& out, std::string_view text) {
  std::string clean;
  if (!is_plain(text)) text = clean = printable(text, text.size());
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

std::string_view limited(std::string_view text, std::string& kept) {
  if (text.size() <= kTextLimit) return text;
  kept = text.substr(0, kTextLimit - 40);
  kept += "... (" + std::to_string(text.size()) + " octets)";
  return kept;
}

std::string origin(std::string_view id, Side side, const SocketAddress& local,
                   const SocketAddress& remote, Format format) {
  const std::string_view direction = side == Side::server ? "in" : "out";
  std::string text;
  if (format == Format::text) {
    append_printable(text, id);
    text.append(1, ' ').append(direction).append(1, ' ');
    return text + local.text() + " " + remote.text();
  }
  text = "\"id\":";
  append_json(text, id);
  text.append(",\"side\":\"").append(direction);
  return text + "\",\"local\":\"" + local.text() + "\",\"remote\":\"" + remote.text() + "\"";
}

void append_line(std::string& out, const Record& record, std::string_view origin, Format format) {
  const std::string_view label = kLabels[static_cast<std::size_t>(record.label) % kLabels.size()];
  if (format == Format::text) {
    append_time(out, record.at);
    out.append(1, ' ').append(origin).append(" +");
    append_number(out, record.elapsed.count());
    out.append(record.recorded ? "ms | " : "ms ").append(label).append(1, ' ');
    append_printable(out, record.text);
  } else {
    out += "{\"time\":\"";
    append_time(out, record.at);
    out.append("\",").append(origin).append(",\"ms\":");
    append_number(out, record.elapsed.count());
    if (record.recorded) out += ",\"recorded\":true";
    out.append(",\"kind\":\"").append(label).append("\",\"text\":");
    append_json(out, record.text);
    out += '}';
  }
  out += '\n';
}

}  // namespace postrider::protocol_log
