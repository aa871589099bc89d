// SPDX-License-Identifier: MIT
#include "receive/incoming_message.hpp"

#include <algorithm>

#include "smtp/header_block.hpp"

namespace postrider::receive {

IncomingMessage::IncomingMessage(std::string queue_id, const store::Body& body,
                                 std::size_t trace_size, std::string_view header_block,
                                 Transaction& transaction)
    : queue_id_(std::move(queue_id)),
      body_(body),
      trace_size_(trace_size),
      header_(header_block),
      transaction_(transaction) {}

std::optional<std::string> IncomingMessage::field(std::string_view name) const {
  for (const std::string_view block : {std::string_view(prepended_), current_header()})
    if (const auto found = smtp::find_field(block, name)) return smtp::unfold(found->value);
  return std::nullopt;
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
  const auto field = smtp::make_field(name, value);
  if (!field) return false;
  prepended_.insert(0, *field);
  edited_ = true;
  return true;
}

std::size_t IncomingMessage::remove_field(std::string_view name) {
  auto kept = smtp::remove_fields(current_header(), name);
  auto added = smtp::remove_fields(prepended_, name);
  const std::size_t removed = kept.removed + added.removed;
  if (removed == 0) return 0;
  kept_ = std::move(kept.block);
  prepended_ = std::move(added.block);
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
