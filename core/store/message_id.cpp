// SPDX-License-Identifier: MIT
// Message ids as people see them: 13 characters of Crockford's base 32 in lower case. All have the
// same length and the digits ascend as octets, so that sorting the texts sorts by arrival.
#include "store/store.hpp"

namespace postrider::store {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kLength = 13;

}  // namespace

std::string id_text(MessageId id) {
  std::string text(kLength, '0');
  for (std::size_t i = kLength; i-- > 0; id >>= 5U) text[i] = kDigits[id & 31U];
  return text;
}

std::optional<MessageId> parse_id(std::string_view text) {
  if (text.size() != kLength) return std::nullopt;
  MessageId id = 0;
  for (const char c : text) {
    const char small = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const std::size_t digit = kDigits.find(small);
    if (digit == kDigits.npos || id >> 59U != 0) return std::nullopt;
    id = id << 5U | digit;
  }
  return id;
}

}  // namespace postrider::store
