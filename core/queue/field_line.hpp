// SPDX-License-Identifier: MIT
// One line of fields, as envelopes and states are stored: blanks between fields, everything that is
// not plain printable ASCII escaped as %XX, so that hostile content cannot forge a field or a line.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::queue {

/// Appends `text` so that it holds no blank, comma, control or eight-bit octet; "-" if it is empty.
void append_text(std::string& line, std::string_view text);

/// Appends a number in decimal.
void append_number(std::string& line, std::int64_t number);

/// What append_text() wrote; nothing if it is ill-formed.
std::optional<std::string> read_text(std::string_view field);

/// Cuts a line at each separator.
class FieldReader {
 public:
  FieldReader(std::string_view line, char separator) : rest_(line), separator_(separator) {}

  bool is_at_end() const noexcept { return at_end_; }
  /// The next field; empty when there is none.
  std::string_view next() noexcept;
  /// The next field as escaped text.
  std::optional<std::string> text() { return read_text(next()); }
  /// The next field as a whole decimal number that fits T.
  template <class T>
  std::optional<T> number() noexcept {
    const std::string_view field = next();
    T value{};
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
    if (error != std::errc() || end != field.data() + field.size()) return std::nullopt;
    return value;
  }

 private:
  std::string_view rest_;
  char separator_;
  bool at_end_ = false;
};

}  // namespace postrider::queue
