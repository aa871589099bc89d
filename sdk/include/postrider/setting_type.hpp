// SPDX-License-Identifier: MIT
// The types that one setting can have, and how each is read from a value and printed as TOML.
// A type of your own joins in by two functions in its namespace, found by argument lookup:
//   std::expected<T, std::string> parse_setting(std::string_view text, T*);   // error: a sentence
//   std::string format_setting(const T& value);                               // what parse reads
//   back
#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <postrider/quantity.hpp>
#include <postrider/setting_value.hpp>

namespace postrider {

/// A type with parse_setting and format_setting of its own.
template <class T>
concept CustomSetting = requires(std::string_view text, T* tag, const T& value) {
  { parse_setting(text, tag) } -> std::same_as<std::expected<T, std::string>>;
  { format_setting(value) } -> std::same_as<std::string>;
};

template <class T>
concept IntegerSetting = std::integral<T> && !std::same_as<T, bool>;

namespace setting {

template <class T>
using Result = std::expected<T, std::string>;

Result<bool> read_boolean(const SettingValue& value);
/// An integer from `low` to `high`; the error names the range.
Result<std::int64_t> read_integer(const SettingValue& value, std::int64_t low, std::int64_t high);
/// A floating point number; an integer is taken too.
Result<double> read_number(const SettingValue& value);
Result<std::string> read_text(const SettingValue& value);
/// Text as written, or an integer or boolean as text: what custom types parse.
Result<std::string> read_any_text(const SettingValue& value);
Result<Duration> read_duration(const SettingValue& value);
Result<Size> read_size(const SettingValue& value);
/// The text as a TOML string, quoted and escaped.
std::string quoted(std::string_view text);
std::string print_number(double number);

template <class T>
Result<T> read_custom(const SettingValue& value) {
  const Result<std::string> text = read_any_text(value);
  if (!text) return std::unexpected(text.error());
  return parse_setting(*text, static_cast<T*>(nullptr));
}

template <class T>
Result<T> read_integer_as(const SettingValue& value) {
  constexpr auto kMost = std::numeric_limits<std::int64_t>::max();
  constexpr bool kWide = std::cmp_greater(std::numeric_limits<T>::max(), kMost);
  const auto number =
      read_integer(value, static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                   kWide ? kMost : static_cast<std::int64_t>(std::numeric_limits<T>::max()));
  if (!number) return std::unexpected(number.error());
  return static_cast<T>(*number);
}

/// Reads one value of type T; the error says what is wrong and what would be right.
template <class T>
Result<T> read(const SettingValue& value) {
  if constexpr (std::same_as<T, bool>)
    return read_boolean(value);
  else if constexpr (IntegerSetting<T>)
    return read_integer_as<T>(value);
  else if constexpr (std::same_as<T, double>)
    return read_number(value);
  else if constexpr (std::same_as<T, std::string>)
    return read_text(value);
  else if constexpr (std::same_as<T, Duration>)
    return read_duration(value);
  else if constexpr (std::same_as<T, Size>)
    return read_size(value);
  else if constexpr (CustomSetting<T>)
    return read_custom<T>(value);
  else
    return std::unexpected(std::string("this enumeration has no choices in its schema"));
}

/// The value as TOML; empty for an enumeration, whose words only its schema knows.
template <class T>
std::string print(const T& value) {
  if constexpr (std::same_as<T, bool>)
    return value ? "true" : "false";
  else if constexpr (IntegerSetting<T>)
    return std::to_string(value);
  else if constexpr (std::same_as<T, double>)
    return setting::print_number(value);
  else if constexpr (std::same_as<T, std::string>)
    return setting::quoted(value);
  else if constexpr (std::same_as<T, Duration>)
    return setting::quoted(format_duration(value));
  else if constexpr (std::same_as<T, Size>)
    return setting::quoted(format_size(value));
  else if constexpr (CustomSetting<T>)
    return setting::quoted(format_setting(value));
  else
    return {};
}

/// The name of the type in the reference, singular.
template <class T>
constexpr std::string_view type_name() {
  if constexpr (std::same_as<T, bool>)
    return "boolean";
  else if constexpr (IntegerSetting<T>)
    return "integer";
  else if constexpr (std::same_as<T, double>)
    return "number";
  else if constexpr (std::same_as<T, Duration>)
    return "duration";
  else if constexpr (std::same_as<T, Size>)
    return "size";
  else if constexpr (std::is_enum_v<T>)
    return "choice";
  else
    return "text";
}

}  // namespace setting
}  // namespace postrider
