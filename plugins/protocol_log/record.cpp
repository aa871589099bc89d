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

/// The calendar is worked out once a second, not once a line.
std::string_view time_of(WallTime at) {
  struct Known {
    std::chrono::sys_seconds second{};
    std::array<char, 80> text{};
  };
  thread_local Known known;
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  if (second != known.second || known.text[0] == '\0') {
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(second - day);
    std::snprintf(known.text.data(), known.text.size(), "%04d-%02u-%02uT%02ld:%02ld:%02ld.000Z",
                  int{date.year()}, unsigned{date.month()}, unsigned{date.day()},
                  long{time.hours().count()}, long{time.minutes().count()},
                  long{time.seconds().count()});
    known.second = second;
  }
  const auto milliseconds = static_cast<int>((at - second).count());
  known.text[20] = static_cast<char>('0' + milliseconds / 100);
  known.text[21] = static_cast<char>('0' + milliseconds / 10 % 10);
  known.text[22] = static_cast<char>('0' + milliseconds % 10);
  return {known.text.data(), 24};
}

/// All of it is looked at, without a branch: so it is done many octets at a time.
bool is_plain(std::string_view text) noexcept {
  bool plain = true;
  for (const char c : text) plain = plain & (c >= ' ') & (c < '\x7f');
  return plain;
}

/// `text`, made printable in `clean` if it has to be.
std::string_view plain(std::string_view text, std::string& clean) {
  if (is_plain(text)) return text;
  return clean = printable(text, text.size());
}

std::string_view label_text(Label label) noexcept {
  return kLabels[static_cast<std::size_t>(label) % kLabels.size()];
}

/// Writes where room was made beforehand.
class Pen {
 public:
  explicit Pen(char* at) : at_(at) {}
  char* end() const noexcept { return at_; }

  Pen& operator<<(std::string_view text) noexcept {
    at_ = std::ranges::copy(text, at_).out;  // an empty one may have no address: not for memcpy
    return *this;
  }
  Pen& operator<<(std::int64_t number) noexcept {
    at_ = std::to_chars(at_, at_ + 20, number).ptr;
    return *this;
  }

 private:
  char* at_;
};

constexpr std::size_t kBesideText = 160;  // what a line has at most beside its origin and its text

/// The text of a JSON string; at most twice as long.
Pen& write_json(Pen& pen, std::string_view text) {
  for (const char& c : text) {
    if (c == '"' || c == '\\') pen << "\\";
    pen << std::string_view(&c, 1);
  }
  return pen;
}

void write_line(Pen& pen, const Record& record, std::string_view origin, std::string_view text) {
  pen << time_of(record.at) << " " << origin << " +" << record.elapsed.count()
      << (record.recorded ? "ms | " : "ms ") << label_text(record.label) << " " << text << "\n";
}

void write_object(Pen& pen, const Record& record, std::string_view origin, std::string_view text) {
  pen << "{\"time\":\"" << time_of(record.at) << "\"," << origin
      << ",\"ms\":" << record.elapsed.count() << (record.recorded ? ",\"recorded\":true" : "")
      << ",\"kind\":\"" << label_text(record.label) << "\",\"text\":\"";
  write_json(pen, text) << "\"}\n";
}

}  // namespace

std::string time_text(WallTime at) {
  return std::string(time_of(at));
}

void append_json(std::string& out, std::string_view text) {
  std::string clean;
  text = plain(text, clean);
  const std::size_t before = out.size();
  out.resize(before + 2 * text.size() + 2);
  Pen pen(out.data() + before);
  write_json(pen << "\"", text) << "\"";
  out.resize(static_cast<std::size_t>(pen.end() - out.data()));
}

std::string_view limited(std::string_view text, std::string& kept) {
  if (text.size() <= kTextLimit) return text;
  kept = text.substr(0, kTextLimit - 40);
  kept += "... (" + std::to_string(text.size()) + " octets)";
  return kept;
}

std::string place(const SocketAddress& address) {
  return address.address.is_unspecified() ? "-" : address.text();
}

std::string origin(std::string_view id, Side side, const SocketAddress& local,
                   const SocketAddress& remote, Format format) {
  const std::string_view direction = side == Side::server ? "in" : "out";
  std::string text;
  if (format == Format::text) {
    std::string clean;
    text = plain(id, clean);
    text.append(1, ' ').append(direction).append(1, ' ');
    return text + place(local) + " " + place(remote);
  }
  text = "\"id\":";
  append_json(text, id);
  text.append(",\"side\":\"").append(direction);
  return text + "\",\"local\":\"" + place(local) + "\",\"remote\":\"" + place(remote) + "\"";
}

void append_line(std::string& out, const Record& record, std::string_view origin, Format format) {
  std::string clean;
  const std::string_view text = plain(record.text, clean);
  const std::size_t before = out.size();
  const auto write = [&](char* data, std::size_t) {
    Pen pen(data + before);
    (format == Format::text ? write_line : write_object)(pen, record, origin, text);
    return pen.end() - data;
  };
  out.resize_and_overwrite(before + kBesideText + origin.size() + 2 * text.size(), write);
}

}  // namespace postrider::protocol_log
