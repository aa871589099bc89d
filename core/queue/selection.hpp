// SPDX-License-Identifier: MIT
// Which recipients an operator means: the patterns and limits of a Selection, judged.
#pragma once

#include <cstddef>
#include <iterator>
#include <optional>
#include <ranges>
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

/// The messages that may be meant: the one of the id, if that is given, or those of the slice.
template <class Map>
auto range_of(Map& all, const Selection& selection) {
  if (selection.queue_id.empty())
    return std::ranges::subrange(all.lower_bound(selection.first), all.upper_bound(selection.last));
  const auto id = Queue::parse_id(selection.queue_id);
  const auto found = id ? all.find(*id) : all.end();
  return std::ranges::subrange(found, found == all.end() ? found : std::next(found));
}

/// What the selection says of the message as a whole: id, sender, size, time of arrival.
bool covers(const Selection& selection, const OwnedMessage& message);
/// Does this recipient (index into the message) of a covered message belong to the selection?
bool is_selected(const Selection& selection, const OwnedMessage& message, std::size_t index);
/// Is the message one that cannot be read, and meant? It has no recipients and counts as held.
bool is_selected_damage(const Selection& selection, const OwnedMessage& message);
/// Is the message covered, with at least one recipient that is selected, or such damage?
bool is_any_selected(const Selection& selection, const OwnedMessage& message);

}  // namespace postrider::queue
