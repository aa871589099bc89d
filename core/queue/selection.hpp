// SPDX-License-Identifier: MIT
// Which recipients an operator means: the patterns and limits of a Selection, judged.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "queue/owned_messages.hpp"

namespace postrider::queue {

/// Does `text` fit a pattern in which each '*' stands for anything? Case does not matter; an empty
/// pattern fits everything.
bool fits(std::string_view pattern, std::string_view text);
/// Does `part`, which may hold stars, occur in `text`? An empty one does.
bool occurs(std::string_view part, std::string_view text);

/// While it lives, addresses that the selection asks for are read from the store once, not for each
/// recipient.
class AddressesRead {
 public:
  AddressesRead(const Selection& selection, const OwnedMessage& message) {
    if (!selection.sender.empty() || !selection.recipient.empty()) use_.emplace(message.record);
  }

 private:
  std::optional<RecordUse> use_;
};

/// What the selection says of the message as a whole: id, sender, size, time of arrival.
bool covers(const Selection& selection, const OwnedMessage& message);
/// Does this recipient (index into the message) of a covered message belong to the selection?
bool is_selected(const Selection& selection, const OwnedMessage& message, std::size_t index);
/// Is the message one that cannot be read, and meant? It has no recipients and counts as held.
bool is_selected_damage(const Selection& selection, const OwnedMessage& message);
/// Is the message covered, with at least one recipient that is selected, or such damage?
bool is_any_selected(const Selection& selection, const OwnedMessage& message);

}  // namespace postrider::queue
