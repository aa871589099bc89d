// SPDX-License-Identifier: MIT
// Queue ids as people see them are the store's; states by their names.
#include <array>

#include "queue/queue.hpp"

namespace postrider::queue {

std::string Queue::id_text(store::MessageId id) {
  return store::id_text(id);
}

std::optional<store::MessageId> Queue::parse_id(std::string_view text) {
  return store::parse_id(text);
}

std::string_view state_name(RecipientState state) noexcept {
  static constexpr std::array<std::string_view, 6> kNames{"queued", "active",    "delayed",
                                                          "held",   "delivered", "failed"};
  return kNames[static_cast<std::size_t>(state)];
}

}  // namespace postrider::queue
