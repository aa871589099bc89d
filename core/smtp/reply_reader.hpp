// SPDX-License-Identifier: MIT
// Collects the replies of a next hop (RFC 5321 section 4.2.1), one line or many. The peer may be
// hostile: memory is bounded whatever it sends, and the text comes out without control characters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <postrider/reply.hpp>

namespace postrider::smtp {

class ReplyReader {
 public:
  static constexpr std::size_t kMostText = 4096;  ///< octets of text kept
  static constexpr std::size_t kMostLines = 512;  ///< more is an error
  static constexpr std::size_t kMostOctets = 16UL
                                             << 20UL;  ///< read for one reply; more is an error

  enum class Progress : std::uint8_t { more, complete, malformed };
  struct Fed {
    Progress progress = Progress::more;
    /// Octets taken; what is left belongs to the next reply.
    std::size_t consumed = 0;
  };

  /// Takes octets up to the end of one reply. CRLF ends a line; a bare LF is tolerated. After
  /// `complete` call take(). After `malformed` the connection is of no use any more: see error().
  Fed feed(std::string_view in);

  /// The complete reply: code 200 to 599, enhanced status if all lines carry one of its class,
  /// lines joined with '\n'. The reader is ready for the next.
  Reply take();

  /// What is wrong, in plain words, with the start of the bad line; fit for a log.
  const std::string& error() const noexcept { return error_; }
  /// Has a reply begun that is not complete?
  bool is_inside() const noexcept { return octets_ > 0 && !complete_; }

 private:
  Progress end_line();
  Progress fail(const std::string& what);
  void add_text(std::string_view text);

  std::string line_;  // what is kept of the line being read
  Reply reply_;
  std::string error_;
  std::size_t lines_ = 0;
  std::size_t octets_ = 0;
  bool complete_ = false;
};

}  // namespace postrider::smtp
