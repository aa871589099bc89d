// SPDX-License-Identifier: MIT
// Cuts command lines from the octets that arrive, under the length limit (RFC 5321 section
// 4.5.3.1.4), and keeps what was pipelined behind them. Only CRLF ends a line (section 2.3.8).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postrider::smtp {

class LineBuffer {
 public:
  struct Line {
    /// Without CRLF; at most the first `limit` octets of a line that is too long.
    std::string_view text;
    /// Longer than the limit; the whole of it has been swallowed.
    bool too_long = false;
    /// A bare CR or LF is in it, or it follows one: never run it as a command.
    bool bad_line_end = false;
  };

  /// `limit`: octets of a line with its CRLF, at least 2.
  explicit LineBuffer(std::size_t limit) : limit_(limit) {}

  /// Where a reader appends. Call it anew before each read; lines returned before are gone then.
  std::string& target();
  void append(std::string_view octets) { target().append(octets); }

  /// The next line; nothing if more octets are needed. Views into this object, valid until
  /// target() or append(). Each octet is looked at once; memory stays below the limit plus one
  /// read. Octets that end with a bare LF are a bad line at once, so that a client without CR is
  /// told.
  std::optional<Line> next();

  /// What is there behind the last line: the beginning of the content after DATA, for example.
  std::string_view buffered() const noexcept { return std::string_view(octets_).substr(start_); }
  /// Take `count` octets of buffered() away.
  void consume(std::size_t count) noexcept;
  /// Forget everything: nothing said before a TLS handshake is used after it (RFC 3207 section 5).
  void clear() noexcept;

 private:
  Line cut(std::size_t text_end, std::size_t next_start) noexcept;
  void shorten();

  std::size_t limit_;
  std::string octets_;
  std::size_t start_ = 0;    // of the line being collected
  std::size_t scanned_ = 0;  // no CRLF before this
  bool bare_lf_ = false;     // one was seen in the line being collected
  bool tainted_ = false;     // the line being collected follows a bare LF
};

}  // namespace postrider::smtp
