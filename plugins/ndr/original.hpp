// SPDX-License-Identifier: MIT
// What a report gives back of the message it is about, and what it reads in its header.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/outcome.hpp>

namespace postrider::ndr {

struct Original {
  std::string octets;           ///< the header with its line ends, or the whole message
  std::size_t header_size = 0;  ///< of them; without the empty line
  bool is_whole = false;
  bool is_cut = false;  ///< even the header is longer than what may be returned

  std::string_view header() const { return std::string_view(octets).substr(0, header_size); }
};

/// Reads at most `limit` octets. The whole message only if `whole` is wanted and it fits.
/// Empty when the queue cannot read it.
Original read_original(const QueuedMessage& message, bool whole, std::uint64_t limit);

/// The body of the first field of that name, unfolded and printable; nothing if absent.
std::optional<std::string> field_of(std::string_view header, std::string_view name);

/// The message ids "<...>" in a field body: at most ten, the first and the last ones
/// (RFC 5322 section 3.6.4). Ill-formed ones are left out.
std::vector<std::string> message_ids(std::string_view body);

}  // namespace postrider::ndr
