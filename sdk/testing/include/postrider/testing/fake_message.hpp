// SPDX-License-Identifier: MIT
// Messages for hooks: one that has just arrived (Message) and one in the queue (QueuedMessage).
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <postrider/message.hpp>
#include <postrider/outcome.hpp>

namespace postrider::testing {

/// From a whole text with CRLF lines; edits are kept where a test can see them.
class FakeMessage : public Message {
 public:
  explicit FakeMessage(std::string octets);
  std::string queue_id() const override { return id; }
  std::uint64_t size() const noexcept override { return octets_.size(); }
  std::string_view header_block() const noexcept override {
    return std::string_view(octets_).substr(0, body_at_);
  }
  std::optional<std::string> field(std::string_view name) const override;
  std::string read_body(std::uint64_t offset, std::size_t length) const override;
  bool prepend_field(std::string_view name, std::string_view value) override;
  std::size_t remove_field(std::string_view name) override;
  bool add_recipient(Path path) override;
  bool drop_recipient(const Path& path) override;

  std::string id = "queue-1";
  std::vector<std::pair<std::string, std::string>> prepended;
  std::vector<std::string> removed;
  std::vector<Path> recipients;

 private:
  std::string octets_;
  std::size_t body_at_;
};

/// A queued message; all parts are public.
class FakeQueuedMessage : public QueuedMessage {
 public:
  explicit FakeQueuedMessage(std::string text, std::string_view from = "sender@example.net")
      : octets(std::move(text)) {
    if (!from.empty()) sender = Path::parse(from).value();
  }
  const std::string& queue_id() const noexcept override { return id; }
  const Path& reverse_path() const noexcept override { return sender; }
  const MailParameters& parameters() const noexcept override { return mail; }
  WallTime arrived() const noexcept override { return arrival; }
  WallTime give_up_at() const noexcept override { return arrival + std::chrono::hours(120); }
  std::uint64_t size() const noexcept override { return octets.size(); }
  std::string read(std::uint64_t offset, std::size_t length) const override {
    return offset < octets.size() && !unreadable ? octets.substr(offset, length) : std::string();
  }
  std::string_view memory() const noexcept override {
    return in_memory ? std::string_view(octets) : std::string_view();
  }

  std::string id = "queue-1";
  Path sender;
  MailParameters mail;
  WallTime arrival{std::chrono::hours(499000)};
  std::string octets;
  bool in_memory = true;
  bool unreadable = false;
};

}  // namespace postrider::testing
