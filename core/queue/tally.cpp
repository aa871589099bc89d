// SPDX-License-Identifier: MIT
#include "queue/tally.hpp"

#include <algorithm>

#include "queue/selection.hpp"

namespace postrider::queue {
namespace {

constexpr const char* kUnread = "(cannot be read)";

std::string domain_of(const Path& path) {
  return path.is_null() ? "<>" : path.domain_key();
}

std::string key_of(TallyKey key, const OwnedMessage& message, std::size_t index) {
  if (key == TallyKey::destination) return group_of(message, index).destination->text();
  const RecordUse use(message.record);
  if (!use) return kUnread;
  if (key == TallyKey::sender_domain) return domain_of(message.record->reverse_path());
  return domain_of(message.record->recipients()[index].path);
}

}  // namespace

void Tally::add(RecipientState state, WallTime arrived, WallTime now) noexcept {
  std::uint64_t* const counters[] = {&queued, &active, &delayed, &held, nullptr, &failed};
  static_assert(static_cast<int>(RecipientState::held) == 3);
  static_assert(static_cast<int>(RecipientState::failed) == 5);
  if (std::uint64_t* const counter = counters[static_cast<std::size_t>(state)]) ++*counter;
  const auto column = std::ranges::upper_bound(kAges, now - arrived);
  ++ages[static_cast<std::size_t>(column - kAges.begin())];
  oldest = std::min(oldest, arrived);
}

Tally& Tally::operator+=(const Tally& other) noexcept {
  queued += other.queued;
  active += other.active;
  delayed += other.delayed;
  held += other.held;
  failed += other.failed;
  for (std::size_t i = 0; i < ages.size(); ++i) ages[i] += other.ages[i];
  oldest = std::min(oldest, other.oldest);
  return *this;
}

TallyTable& TallyTable::operator+=(const TallyTable& other) {
  messages += other.messages;
  octets += other.octets;
  all += other.all;
  for (const auto& [name, tally] : other.by) by[name] += tally;
  return *this;
}

void count(TallyTable& table, TallyKey key, const Selection& selection, const OwnedMessage& message,
           WallTime now) {
  const WallTime arrived = message.record->arrived();
  std::size_t counted = 0;
  if (is_selected_damage(selection, message)) {
    table.all.add(RecipientState::held, arrived, now);
    table.by[kUnread].add(RecipientState::held, arrived, now);
    ++counted;
  }
  const AddressesRead read(selection, message);
  std::optional<RecordUse> use;  // read once, not for each recipient
  const std::size_t recipients = covers(selection, message) ? message.recipients.size() : 0;
  for (std::size_t i = 0; i < recipients; ++i) {
    if (!is_selected(selection, message, i)) continue;
    if (!use && key != TallyKey::destination) use.emplace(message.record);
    const RecipientState state = shown_state(message.recipients[i], group_of(message, i));
    table.all.add(state, arrived, now);
    table.by[key_of(key, message, i)].add(state, arrived, now);
    ++counted;
  }
  if (counted == 0) return;
  ++table.messages;
  table.octets += message.record->size();
}

}  // namespace postrider::queue
