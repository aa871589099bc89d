// SPDX-License-Identifier: MIT
#include "support/sim_text.hpp"

#include <charconv>
#include <fstream>

#include <fmt/format.h>

#include <postrider/quantity.hpp>

namespace postrider::sim {

std::vector<Step> read_steps(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw Mismatch("cannot read " + file);
  std::vector<Step> steps;
  std::size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    ++number;
    if (line.empty() || line.starts_with('#')) continue;
    if (!line.starts_with(' ')) {
      steps.push_back({number, line, {}});
      continue;
    }
    if (steps.empty()) throw Mismatch(fmt::format("line {}: indented below nothing", number));
    const std::size_t start = line.find_first_not_of(' ');
    if (start != line.npos) steps.back().block.push_back(line.substr(start));
  }
  return steps;
}

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '*') {
      const std::string_view rest = pattern.substr(i + 1);
      for (std::size_t from = at; from <= text.size(); ++from)
        if (matches(rest, text.substr(from))) return true;
      return false;
    }
    if (pattern[i] == '\\' && pattern.substr(i + 1).starts_with('*')) ++i;
    if (at == text.size() || text[at] != pattern[i]) return false;
    ++at;
  }
  return at == text.size();
}

std::string unescape(std::string_view text) {
  constexpr std::string_view kLetters = "rnt0\\";
  constexpr std::string_view kOctets("\r\n\t\0\\", 5);
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (i + 1 == text.size()) break;
    const std::size_t known = kLetters.find(text[i + 1]);
    unsigned octet = 0;
    const char* const digits = text.data() + i + 2;
    if (known != kLetters.npos) {
      out += kOctets[known];
      ++i;
    } else if (text[i + 1] == 'x' && i + 3 < text.size() &&
               std::from_chars(digits, digits + 2, octet, 16).ptr == digits + 2) {
      out += static_cast<char>(octet);
      i += 3;
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c >= ' ' && c < '\x7f') {
      out += c;
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

bool take_word(std::string_view& rest, std::string_view word) {
  if (!rest.starts_with(word)) return false;
  std::string_view left = rest.substr(word.size());
  if (!left.empty() && left.front() != ' ') return false;
  left.remove_prefix(std::min(left.find_first_not_of(' '), left.size()));
  rest = left;
  return true;
}

std::string next_word(std::string_view& rest) {
  std::string word(rest.substr(0, rest.find(' ')));
  rest.remove_prefix(word.size());
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  return word;
}

Duration duration_of(std::string_view text) {
  if (text == "0") return Duration(0);
  const auto length = parse_duration(text);
  if (!length) throw Mismatch(length.error());
  return *length;
}

std::size_t number_of(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  throw Mismatch("\"" + std::string(text) + "\" is no number");
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

}  // namespace postrider::sim
