// SPDX-License-Identifier: MIT
#include "smtp/header_block.hpp"

#include <algorithm>

#include <postrider/path.hpp>

namespace postrider::smtp {
namespace {

constexpr std::size_t kLineLength = 78;   // RFC 5322 section 2.1.1
constexpr std::size_t kLongestName = 76;  // leaves room for ": "

constexpr bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
constexpr bool is_name_octet(char c) {
  return c > ' ' && c < 127 && c != ':';
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// Octets of the field at the start of `text`: its line, and those after it that begin with a
/// blank.
std::size_t field_size(std::string_view text) noexcept {
  std::size_t at = 0;
  while (true) {
    const std::size_t end = text.find("\r\n", at);
    if (end == text.npos) return text.size();
    at = end + 2;
    if (at == text.size() || !is_blank(text[at])) return at;
  }
}

}  // namespace

std::optional<std::size_t> header_size(std::string_view message, bool whole) noexcept {
  if (message.starts_with("\r\n")) return 0;
  const std::size_t end = message.find("\r\n\r\n");
  if (end != message.npos) return end + 2;
  if (whole) return message.size();
  return std::nullopt;
}

std::optional<Field> FieldReader::next() noexcept {
  if (rest_.empty()) return std::nullopt;
  Field field;
  field.whole = rest_.substr(0, field_size(rest_));
  rest_.remove_prefix(field.whole.size());
  std::string_view text = field.whole;
  if (text.ends_with("\r\n")) text.remove_suffix(2);
  std::size_t end = 0;
  while (end < text.size() && is_name_octet(text[end])) ++end;
  std::size_t colon = end;
  while (colon < text.size() && is_blank(text[colon])) ++colon;  // RFC 5322 section 4.5
  if (end > 0 && colon < text.size() && text[colon] == ':') {
    field.name = text.substr(0, end);
    field.value = text.substr(colon + 1);
  }
  return field;
}

std::optional<Field> find_field(std::string_view block, std::string_view name) noexcept {
  FieldReader reader(block);
  while (auto field = reader.next())
    if (!field->name.empty() && equal_ignoring_case(field->name, name)) return field;
  return std::nullopt;
}

std::size_t count_fields(std::string_view block, std::string_view name) noexcept {
  std::size_t count = 0;
  FieldReader reader(block);
  while (const auto field = reader.next())
    if (!field->name.empty() && equal_ignoring_case(field->name, name)) ++count;
  return count;
}

std::string unfold(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  while (!value.empty()) {
    const std::size_t end = value.find("\r\n");
    out += value.substr(0, end);
    value.remove_prefix(end == value.npos ? value.size() : end + 2);
  }
  return std::string(trimmed(out));
}

Removal remove_fields(std::string_view block, std::string_view name) {
  Removal removal;
  removal.block.reserve(block.size());
  FieldReader reader(block);
  while (const auto field = reader.next()) {
    if (!field->name.empty() && equal_ignoring_case(field->name, name)) {
      ++removal.removed;
    } else {
      removal.block += field->whole;
    }
  }
  return removal;
}

std::optional<std::string> make_field(std::string_view name, std::string_view value) {
  if (!is_field_name(name)) return std::nullopt;
  std::string text(value);
  std::ranges::replace_if(text, [](char c) { return c == '\r' || c == '\n' || c == '\t'; }, ' ');
  text = printable(text, text.size());
  std::string out = std::string(name) + ":";
  std::size_t line = out.size();
  std::string_view rest = trimmed(text);
  while (!rest.empty()) {
    // A word with the blanks before it; a fold goes before the blanks, which stay.
    const std::size_t word = std::min(rest.find_first_not_of(' '), rest.size());
    const std::size_t end = std::min(rest.find(' ', word), rest.size());
    const bool first = out.size() == name.size() + 1;
    const std::size_t length = end + (first ? 1 : 0);
    if (first) out += ' ';
    if (!first && line + length > kLineLength) {
      out += "\r\n";
      line = 0;
    }
    out += rest.substr(0, end);
    line += length;
    rest.remove_prefix(end);
  }
  return out + "\r\n";
}

bool is_field_name(std::string_view name) noexcept {
  return !name.empty() && name.size() <= kLongestName && std::ranges::all_of(name, is_name_octet);
}

}  // namespace postrider::smtp
