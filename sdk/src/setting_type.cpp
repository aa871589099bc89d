// SPDX-License-Identifier: MIT
// Reads single values out of the tree, and says what was found where something else was expected.
#include <array>
#include <charconv>
#include <cstddef>

#include <postrider/setting_type.hpp>

namespace postrider {
namespace {

std::unexpected<std::string> expected_one(std::string_view what, const SettingValue& value,
                                          std::string_view example) {
  return std::unexpected("expected " + std::string(what) + ", found " + value.describe() +
                         "; write for example " + std::string(example));
}

std::string shorten(std::string_view text) {
  constexpr std::size_t kShown = 60;
  return text.size() <= kShown ? std::string(text) : std::string(text.substr(0, kShown)) + "...";
}

// The TOML escape of a character that may not stand in a string as it is; empty for all others.
std::string escape(char c) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  const auto octet = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') return {'\\', c};
  if (c == '\n') return "\\n";
  if (c == '\r') return "\\r";
  if (c == '\t') return "\\t";
  if (octet >= 0x20 && octet != 0x7f) return {};
  return std::string("\\u00") + kHex[octet >> 4] + kHex[octet & 15];
}

}  // namespace

const SettingValue* SettingTable::find(std::string_view key) const {
  for (const SettingEntry& entry : entries)
    if (entry.key == key) return &entry.value;
  return nullptr;
}

std::string SettingValue::describe() const {
  struct Describe {
    std::string operator()(bool b) const { return b ? "the boolean true" : "the boolean false"; }
    std::string operator()(std::int64_t n) const { return "the integer " + std::to_string(n); }
    std::string operator()(double d) const { return "the number " + setting::print_number(d); }
    std::string operator()(const std::string& s) const {
      return "the text " + setting::quoted(shorten(s));
    }
    std::string operator()(const SettingArray&) const { return "a list"; }
    std::string operator()(const SettingTable&) const { return "a table"; }
  };
  return std::visit(Describe{}, data);
}

namespace setting {

Result<bool> read_boolean(const SettingValue& value) {
  if (const auto* boolean = std::get_if<bool>(&value.data)) return *boolean;
  return std::unexpected("expected a boolean, found " + value.describe() + "; write true or false");
}

Result<std::int64_t> read_integer(const SettingValue& value, std::int64_t low, std::int64_t high) {
  const auto* number = std::get_if<std::int64_t>(&value.data);
  if (number == nullptr) return expected_one("an integer", value, "10");
  if (*number >= low && *number <= high) return *number;
  return std::unexpected(std::to_string(*number) + " does not fit; write a number from " +
                         std::to_string(low) + " to " + std::to_string(high));
}

Result<double> read_number(const SettingValue& value) {
  if (const auto* number = std::get_if<double>(&value.data)) return *number;
  if (const auto* integer = std::get_if<std::int64_t>(&value.data))
    return static_cast<double>(*integer);
  return expected_one("a number", value, "0.5");
}

Result<std::string> read_text(const SettingValue& value) {
  if (const auto* text = std::get_if<std::string>(&value.data)) return *text;
  return std::unexpected("expected a text, found " + value.describe() +
                         "; write it between quotes");
}

Result<std::string> read_any_text(const SettingValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value.data)) return std::to_string(*number);
  if (const auto* boolean = std::get_if<bool>(&value.data))
    return std::string(*boolean ? "true" : "false");
  return read_text(value);
}

Result<Duration> read_duration(const SettingValue& value) {
  if (const auto* text = std::get_if<std::string>(&value.data)) return parse_duration(*text);
  return expected_one("a duration", value, R"("5s" or "1h30m")");
}

Result<Size> read_size(const SettingValue& value) {
  if (const auto* text = std::get_if<std::string>(&value.data)) return parse_size(*text);
  const auto* octets = std::get_if<std::int64_t>(&value.data);
  if (octets != nullptr && *octets >= 0) return Size{static_cast<std::uint64_t>(*octets)};
  return expected_one("a size", value, R"("64KiB" or "10MiB")");
}

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    const std::string escaped = escape(c);
    escaped.empty() ? result.push_back(c) : void(result += escaped);
  }
  return result + '"';
}

std::string print_number(double number) {
  std::array<char, 32> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  std::string text(buffer.data(), error == std::errc{} ? end : buffer.data());
  // TOML tells integers from numbers by the point.
  if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
  return text;
}

}  // namespace setting
}  // namespace postrider
