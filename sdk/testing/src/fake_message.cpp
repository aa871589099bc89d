// SPDX-License-Identifier: MIT
#include <algorithm>

#include <postrider/testing/fake_message.hpp>

namespace postrider::testing {

FakeMessage::FakeMessage(std::string octets) : octets_(std::move(octets)) {
  const std::size_t end = octets_.find("\r\n\r\n");
  body_at_ = end == octets_.npos ? octets_.size() : end + 2;
}

std::optional<std::string> FakeMessage::field(std::string_view name) const {
  std::string_view rest = header_block();
  while (!rest.empty()) {
    std::size_t end = rest.find("\r\n");
    while (end < rest.size() && end + 2 < rest.size() &&
           (rest[end + 2] == ' ' || rest[end + 2] == '\t'))
      end = rest.find("\r\n", end + 2);
    const std::string_view one = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), one.size() + 2));
    const std::size_t colon = one.find(':');
    if (colon == one.npos || !equal_ignoring_case(one.substr(0, colon), name)) continue;
    std::string value(one.substr(std::min(one.size(), colon + 2)));
    std::erase_if(value, [](char c) { return c == '\r' || c == '\n'; });
    return value;
  }
  return std::nullopt;
}

std::string FakeMessage::read_body(std::uint64_t offset, std::size_t length) const {
  const std::size_t begin = std::min(octets_.size(), body_at_ + 2);
  return offset < octets_.size() - begin ? octets_.substr(begin + offset, length) : std::string();
}

bool FakeMessage::prepend_field(std::string_view name, std::string_view value) {
  if (name.empty() || name.contains(':') || name.contains(' ')) return false;
  prepended.emplace_back(name, value);
  return true;
}

std::size_t FakeMessage::remove_field(std::string_view name) {
  if (!field(name)) return 0;
  removed.emplace_back(name);
  return 1;
}

bool FakeMessage::add_recipient(Path path) {
  if (std::ranges::find(recipients, path) != recipients.end()) return false;
  recipients.push_back(std::move(path));
  return true;
}

bool FakeMessage::drop_recipient(const Path& path) {
  return std::erase(recipients, path) > 0;
}

}  // namespace postrider::testing
