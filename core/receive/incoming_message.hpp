// SPDX-License-Identifier: MIT
// The message of a data phase as message hooks see and edit it. Edits are collected and applied
// once.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <postrider/message.hpp>
#include <postrider/transaction.hpp>

#include "store/store.hpp"

namespace postrider::receive {

class IncomingMessage final : public Message {
 public:
  /// `octets` of `body` begin with `trace_size` octets of our own trace field. `header_block` is a
  /// view into memory that outlives this object.
  IncomingMessage(std::string queue_id, const store::Body& body, std::size_t trace_size,
                  std::string_view header_block, Transaction& transaction);

  std::string queue_id() const override { return queue_id_; }
  std::uint64_t size() const noexcept override { return body_.size() - trace_size_; }
  std::string_view header_block() const noexcept override { return header_; }
  std::optional<std::string> field(std::string_view name) const override;
  std::string read_body(std::uint64_t offset, std::size_t length) const override;
  bool prepend_field(std::string_view name, std::string_view value) override;
  std::size_t remove_field(std::string_view name) override;
  bool add_recipient(Path path) override;
  bool drop_recipient(const Path& path) override;

  bool is_edited() const noexcept { return edited_; }
  /// The header block with all edits, without our trace field.
  std::string edited_header() const { return prepended_ + (kept_ ? *kept_ : std::string(header_)); }

 private:
  std::string_view current_header() const noexcept {
    return kept_ ? std::string_view(*kept_) : header_;
  }

  std::string queue_id_;
  const store::Body& body_;
  std::size_t trace_size_;
  std::string_view header_;
  Transaction& transaction_;
  std::string prepended_;
  std::optional<std::string> kept_;  // the header block after removals
  bool edited_ = false;
};

}  // namespace postrider::receive
