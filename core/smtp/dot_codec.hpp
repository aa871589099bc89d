// SPDX-License-Identifier: MIT
// The content of DATA with its dots (RFC 5321 sections 4.1.1.4 and 4.5.2), both ways. Content ends
// at CRLF.CRLF and nowhere else; bare CR, bare LF and NUL are noted and refused after the true end,
// because a reply in the middle would make the rest run as commands (SMTP smuggling).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace postrider::smtp {

/// Decodes what follows "354", in pieces of any size. One object for one message.
class DataDecoder {
 public:
  /// `limit`: octets of content that are kept; beyond it the rest is read and thrown away.
  explicit DataDecoder(std::uint64_t limit = UINT64_MAX) : limit_(limit) {}

  /// Append the content of `in` to `out`; returns how many octets of `in` belonged to the message:
  /// all of them unless is_done() afterwards. Linear; most text is copied in one piece.
  std::size_t feed(std::string_view in, std::string& out);

  /// The final dot was read.
  bool is_done() const noexcept { return state_ == State::done; }

  // What the content was like; bare_cr() is exact once is_done().
  bool bare_cr() const noexcept { return crs_ != crlfs_; }
  bool bare_lf() const noexcept { return bare_lf_; }
  bool nul() const noexcept { return nul_; }
  /// One of the three above: the message must be refused with 550 5.5.2.
  bool is_faulty() const noexcept { return bare_cr() || bare_lf_ || nul_; }
  bool too_large() const noexcept { return size_ > limit_; }
  /// Any octet over 127?
  bool eight_bit() const noexcept { return eight_bit_; }
  /// Does a line of the decoded content start with a dot? If not, it can be sent as it is.
  bool has_dot_lines() const noexcept { return dot_lines_; }
  /// Octets of the longest line, without CRLF.
  std::uint64_t longest_line() const noexcept { return longest_line_; }
  /// Octets of the decoded content, those not kept included.
  std::uint64_t size() const noexcept { return size_; }

 private:
  enum class State : std::uint8_t {
    line_start,  // after CRLF
    dot,         // after CRLF.
    dot_cr,      // after CRLF.CR
    line,
    done,
  };

  std::size_t feed_start(char octet, std::string& out);
  std::size_t feed_lines(std::string_view in, std::string& out);
  void end_line(std::uint64_t length) noexcept;
  void emit(std::string_view octets, std::string& out);

  State state_ = State::line_start;
  bool after_cr_ = false;  // the last octet of the line so far was CR
  bool bare_lf_ = false;
  bool nul_ = false;
  bool eight_bit_ = false;
  bool dot_lines_ = false;
  std::uint64_t limit_;
  std::uint64_t size_ = 0;
  std::uint64_t crs_ = 0;
  std::uint64_t crlfs_ = 0;
  std::uint64_t line_length_ = 0;  // of the line so far, in pieces fed before
  std::uint64_t longest_line_ = 0;
};

/// Encodes content for DATA, in pieces of any size. A dot is put before each dot that follows any
/// LF, bare ones too, so that content can never end a message early.
class DotEncoder {
 public:
  /// `in` itself if nothing has to be added, else the encoded octets, kept in `scratch`.
  std::string_view encode(std::string_view in, std::string& scratch);
  /// What ends the message: ".\r\n", with a line end before it if the content had none.
  std::string_view end() const noexcept;

 private:
  char before_last_ = '\r';
  char last_ = '\n';
};

/// Whole content at once, without the end of the message.
std::string stuff(std::string_view content);

}  // namespace postrider::smtp
