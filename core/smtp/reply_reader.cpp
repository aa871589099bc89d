// SPDX-License-Identifier: MIT
#include "smtp/reply_reader.hpp"

#include <algorithm>
#include <utility>

#include <postrider/path.hpp>

namespace postrider::smtp {
namespace {

/// The code a line begins with, followed by ' ', '-' or nothing; 0 if there is none.
int code_of(std::string_view line) noexcept {
  if (line.size() < 3 || line[0] < '2' || line[0] > '5') return 0;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return 0;
  int code = 0;
  for (const char c : line.substr(0, 3)) {
    if (c < '0' || c > '9') return 0;
    code = code * 10 + (c - '0');
  }
  return code;
}

}  // namespace

ReplyReader::Fed ReplyReader::feed(std::string_view in) {
  Fed fed;
  if (!error_.empty()) return {Progress::malformed, 0};
  while (fed.consumed < in.size() && fed.progress == Progress::more) {
    const std::string_view rest = in.substr(fed.consumed);
    const std::size_t lf = rest.find('\n');
    const std::string_view piece = rest.substr(0, lf);
    const std::size_t taken = lf == rest.npos ? rest.size() : lf + 1;
    line_.append(piece.substr(0, std::min(piece.size(), kMostText - line_.size())));
    fed.consumed += taken;
    octets_ += taken;
    if (octets_ > kMostOctets) {
      fed.progress = fail("reply has no end: " + line_);
    } else if (lf != rest.npos) {
      fed.progress = end_line();
    }
  }
  return fed;
}

ReplyReader::Progress ReplyReader::end_line() {
  if (line_.ends_with('\r')) line_.pop_back();
  const int code = code_of(line_);
  if (code == 0) return fail("not an SMTP reply: " + line_);
  if (lines_ > 0 && code != reply_.code) {
    return fail("code changes from " + std::to_string(reply_.code) + " within a reply: " + line_);
  }
  if (++lines_ > kMostLines) return fail("reply of more than 512 lines");
  reply_.code = code;
  add_text(std::string_view(line_).substr(std::min<std::size_t>(4, line_.size())));
  complete_ = line_.size() < 4 || line_[3] == ' ';
  line_.clear();
  return complete_ ? Progress::complete : Progress::more;
}

/// Without the enhanced status, which stands on every line (RFC 2034 section 4).
void ReplyReader::add_text(std::string_view text) {
  const EnhancedStatus status = EnhancedStatus::parse(text);
  const bool agrees = status.klass == reply_.code / 100;
  if (lines_ == 1 && agrees) reply_.status = status;
  if (agrees && status == reply_.status) {
    text.remove_prefix(std::min(text.find_first_of(" \t"), text.size()));
    text.remove_prefix(std::min<std::size_t>(1, text.size()));
  }
  if (lines_ > 1 && reply_.text.size() < kMostText) reply_.text += '\n';
  reply_.text += printable(text, kMostText - reply_.text.size());
}

ReplyReader::Progress ReplyReader::fail(const std::string& what) {
  error_ = printable(what, 200);
  return Progress::malformed;
}

Reply ReplyReader::take() {
  Reply reply = std::exchange(reply_, {});
  line_.clear();
  lines_ = octets_ = 0;
  complete_ = false;
  return reply;
}

}  // namespace postrider::smtp
