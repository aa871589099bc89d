// SPDX-License-Identifier: MIT
#include "smtp/line_buffer.hpp"

#include <algorithm>

namespace postrider::smtp {

std::string& LineBuffer::target() {
  // After next() has returned nothing, less than a line is left: this moves little.
  octets_.erase(0, start_);
  scanned_ -= start_;
  start_ = 0;
  return octets_;
}

std::optional<LineBuffer::Line> LineBuffer::next() {
  while (scanned_ < octets_.size()) {
    const std::size_t lf = octets_.find('\n', scanned_);
    if (lf == octets_.npos) {
      scanned_ = octets_.size();
      break;
    }
    scanned_ = lf + 1;
    if (lf > start_ && octets_[lf - 1] == '\r') {
      Line line = cut(lf - 1, lf + 1);
      tainted_ = false;
      return line;
    }
    bare_lf_ = true;
  }
  if (bare_lf_ && octets_.size() > start_ && octets_.back() == '\n') {
    Line line = cut(octets_.size() - 1, octets_.size());
    tainted_ = true;
    return line;
  }
  if (octets_.size() - start_ > limit_) shorten();
  return std::nullopt;
}

LineBuffer::Line LineBuffer::cut(std::size_t text_end, std::size_t next_start) noexcept {
  Line line;
  line.text = std::string_view(octets_).substr(start_, text_end - start_);
  line.too_long = next_start - start_ > limit_;
  line.bad_line_end = bare_lf_ || tainted_ || line.text.find('\r') != line.text.npos;
  if (line.too_long) line.text = line.text.substr(0, limit_);
  start_ = scanned_ = next_start;
  bare_lf_ = false;
  return line;
}

/// Keep the first octets of a line too long, and its last, which may be the CR before an LF.
void LineBuffer::shorten() {
  const char last = octets_.back();
  octets_.resize(start_ + limit_);
  octets_.push_back(last);
  scanned_ = octets_.size();
}

void LineBuffer::consume(std::size_t count) noexcept {
  start_ = std::min(start_ + count, octets_.size());
  scanned_ = start_;
  bare_lf_ = false;
}

void LineBuffer::clear() noexcept {
  octets_.clear();
  start_ = scanned_ = 0;
  bare_lf_ = tainted_ = false;
}

}  // namespace postrider::smtp
