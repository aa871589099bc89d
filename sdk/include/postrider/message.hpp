// SPDX-License-Identifier: MIT
// A message that has arrived whole and is not yet accepted: what a MessageHook judges and edits.
// [loop thread], valid until the hook's task ends.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/path.hpp>

namespace postrider {

class Message {
 public:
  Message() = default;
  Message(const Message&) = delete;
  Message& operator=(const Message&) = delete;
  virtual ~Message() = default;

  /// The queue id it will have.
  virtual std::string queue_id() const = 0;
  /// Octets as they arrived, without the fields added here.
  virtual std::uint64_t size() const noexcept = 0;
  /// The header block as it arrived, last line end included; at most smtp.max_header_size.
  virtual std::string_view header_block() const noexcept = 0;
  /// The body of the first field of that name, unfolded; nothing if absent.
  virtual std::optional<std::string> field(std::string_view name) const = 0;
  /// Read octets of the body at `offset` after the header block; fewer at the end.
  virtual std::string read_body(std::uint64_t offset, std::size_t length) const = 0;

  /// Put a field above all others (below our Received). CR and LF in the value are folded to
  /// blanks; an ill-formed name is refused with false.
  virtual bool prepend_field(std::string_view name, std::string_view value) = 0;
  /// Remove every field of that name; returns how many.
  virtual std::size_t remove_field(std::string_view name) = 0;

  /// Add an envelope recipient, or drop one; false if it was there, or was not.
  virtual bool add_recipient(Path path) = 0;
  virtual bool drop_recipient(const Path& path) = 0;
};

}  // namespace postrider
