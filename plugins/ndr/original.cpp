// SPDX-License-Identifier: MIT
#include "original.hpp"

#include <algorithm>

#include <postrider/path.hpp>

namespace postrider::ndr {
namespace {

constexpr std::size_t kMostIds = 10;
constexpr std::size_t kLongestId = 250;
constexpr std::size_t kLongestField = 8192;

/// Cuts the first line off, line end included.
std::string_view take_line(std::string_view& text) noexcept {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end == text.npos ? text.size() : end + 1);
  text.remove_prefix(line.size());
  return line;
}

bool is_field(std::string_view line, std::string_view name) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos) return false;
  std::string_view found = line.substr(0, colon);
  while (found.ends_with(' ') || found.ends_with('\t')) found.remove_suffix(1);
  return equal_ignoring_case(found, name);
}

/// Of a text that begins with the header: how long that is, or all of it if it does not end.
std::size_t header_length(std::string_view text) noexcept {
  if (text.starts_with("\r\n")) return 0;
  const std::size_t end = text.find("\r\n\r\n");
  return end == text.npos ? text.size() : end + 2;
}

}  // namespace

Original read_original(const QueuedMessage& message, bool whole, std::uint64_t limit) {
  Original original;
  original.is_whole = whole && message.size() <= limit;
  const auto length = static_cast<std::size_t>(std::min(message.size(), limit));
  original.octets = message.read(0, length);
  original.header_size = header_length(original.octets);
  const bool ended = original.header_size < original.octets.size() || length == message.size();
  if (!ended) {
    original.is_cut = true;
    original.header_size = original.octets.rfind('\n') + 1;
  }
  if (original.octets.size() < message.size()) original.is_whole = false;
  if (!original.is_whole) original.octets.resize(original.header_size);
  return original;
}

std::optional<std::string> field_of(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const std::string_view line = take_line(header);
    if (!is_field(line, name)) continue;
    std::string body(line.substr(line.find(':') + 1));
    while ((header.starts_with(' ') || header.starts_with('\t')) && body.size() < kLongestField)
      body += take_line(header);
    std::erase_if(body, [](char c) { return c == '\r' || c == '\n'; });
    std::ranges::replace(body, '\t', ' ');
    body.erase(0, std::min(body.find_first_not_of(' '), body.size()));
    return printable(body, kLongestField);
  }
  return std::nullopt;
}

std::vector<std::string> message_ids(std::string_view body) {
  std::vector<std::string> ids;
  for (std::size_t open = body.find('<'); open != body.npos; open = body.find('<', open + 1)) {
    const std::size_t end = body.find('>', open);
    if (end == body.npos) break;
    const std::string_view id = body.substr(open, end - open + 1);
    const bool clean = std::ranges::all_of(id, [](char c) { return c > ' ' && c < '\x7f'; });
    if (clean && id.size() > 2 && id.size() <= kLongestId && id.rfind('<') == 0)
      ids.emplace_back(id);
  }
  if (ids.size() > kMostIds)
    ids.erase(ids.begin() + 1, ids.end() - static_cast<std::ptrdiff_t>(kMostIds - 1));
  return ids;
}

}  // namespace postrider::ndr
