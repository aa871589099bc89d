// SPDX-License-Identifier: MIT
#include "receive/incoming_message.hpp"

#include <algorithm>

#include "smtp/header_block.hpp"

namespace postrider::receive {

namespace {

/// RFC 5322 section 2.2: printable ASCII without colon and space.
bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= 76 &&
         std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~' && c != ':'; });
}

}  // namespace

IncomingMessage::IncomingMessage(std::string queue_id, const store::Body& body,
                                 std::size_t trace_size, std::string_view header_block,
                                 Transaction& transaction)
    : queue_id_(std::move(queue_id)),
      body_(body),
      trace_size_(trace_size),
      header_(header_block),
      transaction_(transaction) {}

std::optional<std::string> IncomingMessage::field(std::string_view name) const {
  if (auto found = smtp::find_field(prepended_, name)) return found;
  return smtp::find_field(current_header(), name);
}

std::string IncomingMessage::read_body(std::uint64_t offset, std::size_t length) const {
  const std::uint64_t start = trace_size_ + header_.size() + offset;
  if (start >= body_.size()) return {};
  std::string octets(std::min<std::uint64_t>(length, body_.size() - start), '\0');
  const auto read = body_.read(start, octets.data(), octets.size());
  octets.resize(read ? *read : 0);
  return octets;
}

bool IncomingMessage::prepend_field(std::string_view name, std::string_view value) {
  if (!is_field_name(name)) return false;
  std::string field = std::string(name) + ": ";
  for (const char c : value) field += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  prepended_ = field + "\r\n" + prepended_;
  edited_ = true;
  return true;
}

std::size_t IncomingMessage::remove_field(std::string_view name) {
  std::string kept(current_header());
  const std::size_t removed = smtp::remove_fields(kept, name) + smtp::remove_fields(prepended_, name);
  if (removed == 0) return 0;
  kept_ = std::move(kept);
  edited_ = true;
  return removed;
}

bool IncomingMessage::add_recipient(Path path) {
  const auto same = [&](const Recipient& r) { return r.path == path; };
  if (path.is_null() || std::ranges::any_of(transaction_.recipients_, same)) return false;
  transaction_.recipients_.push_back({.path = std::move(path), .parameters = {}});
  return true;
}

bool IncomingMessage::drop_recipient(const Path& path) {
  return std::erase_if(transaction_.recipients_,
                       [&](const Recipient& r) { return r.path == path; }) > 0;
}

}  // namespace postrider::receive
