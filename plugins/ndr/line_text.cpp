// SPDX-License-Identifier: MIT
#include "line_text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <vector>

#include <postrider/path.hpp>

namespace postrider::ndr {
namespace {

constexpr std::size_t kLine = 76;
constexpr std::string_view kHex = "0123456789ABCDEF";

bool is_eight_bit(char c) noexcept {
  return (static_cast<unsigned char>(c) & 0x80U) != 0;
}

/// How many octets of `text` fit `most` without cutting a UTF-8 character.
std::size_t whole_characters(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text.size();
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return end == 0 ? most : end;
}

/// The words of `text`, none longer than `most`.
std::vector<std::string_view> words_of(std::string_view text, std::size_t most) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    if (text.front() == ' ') {
      text.remove_prefix(1);
      continue;
    }
    const std::string_view word = text.substr(0, text.find(' '));
    const std::size_t length = whole_characters(word, most);
    words.push_back(word.substr(0, length));
    text.remove_prefix(length);
  }
  return words;
}

std::string padded(std::int64_t number, std::size_t width) {
  std::string digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

/// One octet of quoted-printable; `last`: a line end follows.
void append_quoted(std::string& line, char c, bool last) {
  const auto octet = static_cast<unsigned char>(c);
  const bool blank = c == ' ' || c == '\t';
  if ((blank && !last) || (octet > 32 && octet < 127 && c != '=')) {
    line += c;
    return;
  }
  line += '=';
  line += kHex[octet >> 4U];
  line += kHex[octet & 15U];
}

}  // namespace

std::string one_line(std::string_view text, bool utf8, std::size_t limit) {
  std::string line(text.substr(0, limit + 4));
  for (char& c : line)
    if (c == '\r' || c == '\n' || c == '\t') c = ' ';
  line = printable(line, limit);
  if (!utf8) std::ranges::replace_if(line, is_eight_bit, '?');
  return line;
}

std::string folded_field(std::string_view name, std::string_view value) {
  std::string out(name);
  out += ':';
  std::size_t column = out.size();
  bool is_first = true;
  for (const std::string_view word : words_of(value, kLine - 1)) {
    if (!is_first && column + 1 + word.size() > kLine) {
      out += "\r\n";
      column = 0;
    }
    out.append(" ").append(word);
    column += 1 + word.size();
    is_first = false;
  }
  return out += "\r\n";
}

std::string wrapped(std::string_view text, std::string_view indent) {
  std::string out;
  std::size_t column = 0;
  for (const std::string_view word : words_of(text, kLine - indent.size())) {
    if (column > 0 && column + 1 + word.size() > kLine) {
      out += "\r\n";
      column = 0;
    }
    const std::string_view gap = column == 0 ? indent : std::string_view(" ");
    out.append(gap).append(word);
    column += gap.size() + word.size();
  }
  return column == 0 ? out : out += "\r\n";
}

std::string date_text(WallTime time) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  std::string text = kDays[std::chrono::weekday(day).c_encoding()];
  text += ", " + std::to_string(static_cast<unsigned>(date.day())) + " ";
  text += kMonths[static_cast<unsigned>(date.month()) - 1];
  text += " " + padded(static_cast<int>(date.year()), 4) + " " + padded(clock.hours().count(), 2);
  text += ":" + padded(clock.minutes().count(), 2) + ":" + padded(clock.seconds().count(), 2);
  return text + " +0000";
}

bool is_clean(std::string_view text, bool eight_bit) noexcept {
  std::size_t column = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\0' || (!eight_bit && is_eight_bit(c))) return false;
    if (c == '\n') return false;  // the good ones are jumped over with their CR
    if (c == '\r') {
      if (i + 1 == text.size() || text[i + 1] != '\n') return false;
      ++i;
      column = 0;
    } else if (++column > 998) {
      return false;
    }
  }
  return true;
}

std::string quoted_printable(std::string_view text) {
  std::string out;
  std::string line;
  while (!text.empty()) {
    if (text.starts_with("\r\n")) {
      out.append(line).append("\r\n");
      line.clear();
      text.remove_prefix(2);
      continue;
    }
    if (line.size() + 3 > kLine - 1) {
      out.append(line).append("=\r\n");
      line.clear();
    }
    append_quoted(line, text.front(), text.size() == 1 || text.substr(1).starts_with("\r\n"));
    text.remove_prefix(1);
  }
  return line.empty() ? out : out.append(line).append("=\r\n");
}

std::string base64(std::string_view octets) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  std::size_t column = 0;
  for (std::size_t at = 0; at < octets.size(); at += 3) {
    std::uint32_t group = 0;
    const std::size_t count = std::min<std::size_t>(3, octets.size() - at);
    for (std::size_t i = 0; i < 3; ++i)
      group = group << 8U | (i < count ? static_cast<unsigned char>(octets[at + i]) : 0U);
    for (unsigned i = 0; i < 4; ++i)
      out += i <= count ? kDigits[group >> (18U - 6U * i) & 63U] : '=';
    column += 4;
    if (column < kLine && at + 3 < octets.size()) continue;
    out += "\r\n";
    column = 0;
  }
  return out;
}

}  // namespace postrider::ndr
