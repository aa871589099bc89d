// SPDX-License-Identifier: MIT
#include "smtp/date.hpp"

#include <algorithm>
#include <string_view>

namespace postrider::smtp {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";

void write_two(std::string& text, std::size_t at, unsigned value) {
  text[at] = static_cast<char>('0' + value / 10);
  text[at + 1] = static_cast<char>('0' + value % 10);
}

}  // namespace

std::string date(WallTime at) {
  using namespace std::chrono;
  constexpr WallTime kFirst = sys_days(year(1900) / January / 1);
  constexpr WallTime kLast = sys_days(year(9999) / December / 31) + 23h + 59min + 59s;
  at = std::clamp(at, kFirst, kLast);
  const auto day = floor<days>(at);
  const year_month_day calendar(day);
  const hh_mm_ss<seconds> clock(floor<seconds>(at - day));
  const auto year_number = static_cast<unsigned>(static_cast<int>(calendar.year()));

  std::string text = "Day, 00 Mon 0000 00:00:00 +0000";
  text.replace(0, 3, kDays.substr(weekday(day).c_encoding() * std::size_t{3}, 3));
  write_two(text, 5, static_cast<unsigned>(calendar.day()));
  text.replace(8, 3,
               kMonths.substr((static_cast<unsigned>(calendar.month()) - 1) * std::size_t{3}, 3));
  write_two(text, 12, year_number / 100);
  write_two(text, 14, year_number % 100);
  write_two(text, 17, static_cast<unsigned>(clock.hours().count()));
  write_two(text, 20, static_cast<unsigned>(clock.minutes().count()));
  write_two(text, 23, static_cast<unsigned>(clock.seconds().count()));
  return text;
}

}  // namespace postrider::smtp
