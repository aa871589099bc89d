// SPDX-License-Identifier: MIT
#include "recorder.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <utility>

namespace postrider::protocol_log {
namespace {

constexpr std::size_t kLive = 100000;  // remembered at once, at most
constexpr int kRecent = 8;             // ended, but outcomes may still be told

}  // namespace

std::shared_ptr<Recorder> Recorder::of(const Loop& loop, const std::string& id) {
  using Key = std::pair<const Loop*, std::string>;
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<Recorder>> known;
  const std::lock_guard lock(mutex);
  std::weak_ptr<Recorder>& place = known[{&loop, id}];
  auto recorder = place.lock();
  if (!recorder) {
    recorder = std::make_shared<Recorder>();
    place = recorder;
  }
  return recorder;
}

void Recorder::keep(std::size_t count) {
  kept_ = count;
  forget_old();
}

Conversation* Recorder::begin(const ProtocolEvent& event, WallTime now, std::size_t room) {
  if (const auto old = by_id_.find(event.id); old != by_id_.end()) finish(*old->second);
  if (live_.size() >= kLive) return nullptr;
  live_.emplace_back(event, now, room);
  by_id_.emplace(live_.back().id, std::prev(live_.end()));
  return latest_ = &live_.back();
}

Conversation* Recorder::find(std::string_view id) {
  if (latest_ && latest_->id == id) return latest_;
  const auto found = by_id_.find(id);
  if (found != by_id_.end()) return latest_ = &*found->second;
  int looked = 0;
  for (auto place = ended_.rbegin(); place != ended_.rend() && looked < kRecent; ++place, ++looked)
    if (place->id == id) return &*place;
  return nullptr;
}

void Recorder::finish(Conversation& conversation) {
  const auto found = by_id_.find(conversation.id);
  if (found == by_id_.end()) return;
  if (latest_ == &conversation) latest_ = nullptr;
  ended_.splice(ended_.end(), live_, found->second);
  by_id_.erase(found);
  forget_old();
}

/// One stays in any case: whoever ended it still holds it.
void Recorder::forget_old() {
  while (ended_.size() > std::max<std::size_t>(kept_, 1)) ended_.pop_front();
}

void Recorder::visit(const std::function<void(Conversation&)>& visitor) {
  std::ranges::for_each(ended_, visitor);
  std::ranges::for_each(live_, visitor);
}

}  // namespace postrider::protocol_log
