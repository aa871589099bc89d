// SPDX-License-Identifier: MIT
// The message as a plugin in shadow mode sees it: everything can be read, edits change nothing.
#pragma once

#include <postrider/message.hpp>

namespace postrider::plugin {

class ShadowMessage final : public Message {
 public:
  explicit ShadowMessage(const Message& real) : real_(real) {}
  std::string queue_id() const override { return real_.queue_id(); }
  std::uint64_t size() const noexcept override { return real_.size(); }
  std::string_view header_block() const noexcept override { return real_.header_block(); }
  std::optional<std::string> field(std::string_view name) const override {
    return real_.field(name);
  }
  std::string read_body(std::uint64_t offset, std::size_t length) const override {
    return real_.read_body(offset, length);
  }
  bool prepend_field(std::string_view, std::string_view) override { return true; }
  std::size_t remove_field(std::string_view) override { return 0; }
  bool add_recipient(Path) override { return true; }
  bool drop_recipient(const Path&) override { return true; }

 private:
  const Message& real_;
};

}  // namespace postrider::plugin
