// SPDX-License-Identifier: MIT
#include "deliver/content.hpp"

#include <algorithm>

namespace postrider::deliver {

store::Result<std::string_view> Content::read() {
  const std::string_view memory = body_ ? body_->memory() : message_.memory();
  if (!memory.empty()) {
    offset_ = message_.size();
    return memory;
  }
  if (!body_) {
    auto body = message_.body();
    if (!body) return std::unexpected(body.error());
    body_ = std::move(*body);
    return read();
  }
  return read_piece();
}

store::Result<std::string_view> Content::read_piece() {
  const std::uint64_t left = message_.size() - offset_;
  chunk_.resize(static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunk)));
  const auto got = body_->read(offset_, chunk_.data(), chunk_.size());
  if (!got) return std::unexpected(got.error());
  const std::string_view piece = std::string_view(chunk_).substr(0, *got);
  sum_.add(piece);
  offset_ += piece.size();
  if (piece.empty() || is_finished())
    if (const auto sound = body_->confirm(sum_); !sound) return std::unexpected(sound.error());
  if (piece.empty())
    return std::unexpected(store::Error{store::Errc::corrupt, "the body is shorter than its size"});
  return piece;
}

store::Result<std::string_view> Content::next() {
  if (is_finished()) return std::string_view();
  const auto piece = read();
  if (!piece) return piece;
  remember(*piece);
  return message_.facts().leading_dot ? encoder_.encode(*piece, stuffed_) : *piece;
}

void Content::remember(std::string_view piece) noexcept {
  if (piece.empty()) return;
  before_last_ = piece.size() > 1 ? piece[piece.size() - 2] : last_;
  last_ = piece.back();
}

std::string_view Content::end() const noexcept {
  return before_last_ == '\r' && last_ == '\n' ? ".\r\n" : "\r\n.\r\n";
}

}  // namespace postrider::deliver
