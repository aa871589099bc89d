// SPDX-License-Identifier: MIT
#include "queue/envelope.hpp"

namespace postrider::queue {

std::size_t LastWordHash::operator()(const LastWord& word) const noexcept {
  const std::hash<std::string_view> hash;
  return (hash(word.reason) * 31 + hash(word.remote)) * 31 + hash(word.reply.text);
}

const LastWord& RecipientStatus::last() const noexcept {
  static const LastWord kNothing;
  return word ? *word : kNothing;
}

void RecipientStatus::give_reason(std::string reason) {
  LastWord fresh = last();
  fresh.reason = std::move(reason);
  word = std::make_shared<const LastWord>(std::move(fresh));
}

}  // namespace postrider::queue
