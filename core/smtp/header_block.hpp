// SPDX-License-Identifier: MIT
// The header block of a message (RFC 5322 sections 2.1 and 2.2): its end, its fields, and edits.
// Nothing is refused and no octet changed: lines that are no field are kept (RFC 5321 section 3.3).
// Lines end with CRLF only. Everything here takes linear time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::smtp {

/// Octets of the header block, its last line's CRLF included, the empty line not. A message without
/// an empty line is all header; nothing if `message` may go on and no end is in sight (whole =
/// false).
std::optional<std::size_t> header_size(std::string_view message, bool whole = true) noexcept;

/// One field, as views into the block.
struct Field {
  /// Without white space before the colon; empty if this is no field (no colon, a control or space
  /// in the name, a folded line at the very top).
  std::string_view name;
  /// What stands after the colon: folds and white space included, the last CRLF not.
  std::string_view value;
  /// All of it, from the first octet to the last CRLF.
  std::string_view whole;
};

/// Walks over a header block.
class FieldReader {
 public:
  explicit FieldReader(std::string_view block) : rest_(block) {}
  std::optional<Field> next() noexcept;

 private:
  std::string_view rest_;
};

/// The first field of that name, in any case.
std::optional<Field> find_field(std::string_view block, std::string_view name) noexcept;
std::size_t count_fields(std::string_view block, std::string_view name) noexcept;

/// A value on one line: each CRLF before white space goes, and the white space at both ends.
std::string unfold(std::string_view value);

struct Removal {
  std::string block;
  std::size_t removed = 0;
};
/// The block without the fields of that name.
Removal remove_fields(std::string_view block, std::string_view name);

/// "Name: value\r\n", folded at blanks so that lines have at most 78 octets where possible. CR and
/// LF become blanks, other control characters '?'. Nothing if the name is ill-formed or over 76
/// octets.
std::optional<std::string> make_field(std::string_view name, std::string_view value);

/// Is this a name a field may have: 1 to 76 printable octets of ASCII without space and colon?
bool is_field_name(std::string_view name) noexcept;

}  // namespace postrider::smtp
