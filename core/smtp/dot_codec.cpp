// SPDX-License-Identifier: MIT
#include "smtp/dot_codec.hpp"

#include <algorithm>
#include <cstring>

namespace postrider::smtp {
namespace {

struct Census {
  std::size_t crs = 0;
  bool nul = false;
  bool eight_bit = false;
};

constexpr std::size_t kBlock = 128;  // at most 255, so that counts fit one octet

/// Counts in blocks with counters of one octet: the compiler makes vector code of it.
Census take_census(std::string_view text) noexcept {
  Census census;
  std::uint8_t seen = 0;
  const char* at = text.data();
  for (std::size_t left = text.size(); left > 0;) {
    const std::size_t length = std::min(left, kBlock);
    std::uint8_t crs = 0;
    std::uint8_t nuls = 0;
    for (std::size_t i = 0; i < length; ++i) {
      const auto octet = static_cast<std::uint8_t>(at[i]);
      crs = static_cast<std::uint8_t>(crs + (octet == '\r' ? 1 : 0));
      nuls = static_cast<std::uint8_t>(nuls | (octet == 0 ? 1 : 0));
      seen = static_cast<std::uint8_t>(seen | octet);
    }
    census.crs += crs;
    census.nul |= nuls != 0;
    at += length;
    left -= length;
  }
  census.eight_bit = (seen & 0x80U) != 0;
  return census;
}

}  // namespace

std::size_t DataDecoder::feed(std::string_view in, std::string& out) {
  std::size_t at = 0;
  while (at < in.size() && state_ != State::done) {
    if (state_ == State::line) {
      at += feed_lines(in.substr(at), out);
    } else {
      at += feed_start(in[at], out);
    }
  }
  return at;
}

/// One octet at the start of a line; returns 0 if it has to be read again as part of the line.
std::size_t DataDecoder::feed_start(char octet, std::string& out) {
  switch (state_) {
    case State::line_start:
      state_ = octet == '.' ? State::dot : State::line;
      return octet == '.' ? 1 : 0;
    case State::dot:
      state_ = octet == '\r' ? State::dot_cr : State::line;
      dot_lines_ |= octet == '.';
      return octet == '\r' ? 1 : 0;
    case State::dot_cr:
      if (octet == '\n') {
        state_ = State::done;
        return 1;
      }
      emit("\r", out);  // a line that begins with a bare CR
      line_length_ = 1;
      after_cr_ = true;
      state_ = State::line;
      return 0;
    default:
      return 0;
  }
}

/// The rest of a line and all whole lines up to the next that begins with a dot.
std::size_t DataDecoder::feed_lines(std::string_view in, std::string& out) {
  std::size_t line = 0;  // where the line begins
  std::size_t at = 0;
  while (true) {
    const void* found = std::memchr(in.data() + at, '\n', in.size() - at);
    if (!found) break;
    const auto lf = static_cast<std::size_t>(static_cast<const char*>(found) - in.data());
    at = lf + 1;
    if (lf > 0 ? in[lf - 1] != '\r' : !after_cr_) {
      bare_lf_ = true;
    } else {
      ++crlfs_;
      end_line(at - line);
      line = at;
      if (at == in.size() || in[at] == '.') {
        state_ = State::line_start;
        break;
      }
    }
    if (at == in.size()) break;
  }
  if (state_ == State::line) {
    at = in.size();
    line_length_ += at - line;
  }
  after_cr_ = in[at - 1] == '\r';
  longest_line_ = std::max(longest_line_, line_length_ - (after_cr_ ? 1 : 0));
  emit(in.substr(0, at), out);
  return at;
}

/// `length` counts the CRLF, whose CR may have come with an earlier piece.
void DataDecoder::end_line(std::uint64_t length) noexcept {
  longest_line_ = std::max(longest_line_, line_length_ + length - 2);
  line_length_ = 0;
}

void DataDecoder::emit(std::string_view octets, std::string& out) {
  const Census census = take_census(octets);
  crs_ += census.crs;
  nul_ |= census.nul;
  eight_bit_ |= census.eight_bit;
  size_ += octets.size();
  if (!too_large()) out.append(octets);
}

std::string_view DotEncoder::encode(std::string_view in, std::string& scratch) {
  if (in.empty()) return in;
  const bool dot_first = last_ == '\n' && in.front() == '.';
  before_last_ = in.size() > 1 ? in[in.size() - 2] : last_;
  last_ = in.back();
  std::size_t next = in.find("\n.");
  if (!dot_first && next == in.npos) return in;

  scratch.clear();
  scratch.reserve(in.size() + in.size() / 16 + 16);
  if (dot_first) scratch += '.';
  std::size_t begin = 0;
  for (; next != in.npos; next = in.find("\n.", begin)) {
    scratch.append(in.substr(begin, next + 1 - begin)).append(1, '.');
    begin = next + 1;
  }
  scratch.append(in.substr(begin));
  return scratch;
}

std::string_view DotEncoder::end() const noexcept {
  constexpr std::string_view kEnd = "\r\n.\r\n";
  return before_last_ == '\r' && last_ == '\n' ? kEnd.substr(2) : kEnd;
}

std::string stuff(std::string_view content) {
  std::string scratch;
  return std::string(DotEncoder().encode(content, scratch));
}

}  // namespace postrider::smtp
