// SPDX-License-Identifier: MIT
#include "cache.hpp"

#include <iterator>

namespace postrider::route_cache {

std::optional<TimePoint> Entry::ends_at() const noexcept {
  if (lives.kind != Lifetime::Kind::limited) return std::nullopt;
  return found_at + lives.length;
}

bool Entry::is_over(TimePoint now) const noexcept {
  const auto end = ends_at();
  return end && now >= *end;
}

void Cache::erase(Nodes::iterator node) {
  index_.erase(node->key);
  nodes_.erase(node);
}

Entry* Cache::current(const std::string& key, TimePoint now) {
  const auto found = index_.find(key);
  if (found == index_.end()) return nullptr;
  const auto node = found->second;
  if (!node->entry->is_over(now)) return node->entry.get();
  erase(node);
  return nullptr;
}

Entry* Cache::find(const std::string& key, TimePoint now) {
  Entry* const entry = current(key, now);
  if (entry) nodes_.splice(nodes_.begin(), nodes_, index_.at(key));
  return entry;
}

Entry& Cache::put(const std::string& key, std::unique_ptr<Entry> entry) {
  if (const auto found = index_.find(key); found != index_.end()) {
    const auto node = found->second;
    entry->hits = node->entry->hits;
    node->entry = std::move(entry);
    return *node->entry;  // a refresh is no use: the order stays
  }
  while (index_.size() >= most_) {
    ++evicted_;
    erase(std::prev(nodes_.end()));
  }
  nodes_.push_front({key, std::move(entry)});
  index_.emplace(key, nodes_.begin());
  return *nodes_.front().entry;
}

std::size_t Cache::drop(const std::function<bool(const Entry&)>& which) {
  std::size_t dropped = 0;
  for (auto node = nodes_.begin(); node != nodes_.end();) {
    const auto here = node++;
    if (!which(*here->entry)) continue;
    erase(here);
    ++dropped;
  }
  return dropped;
}

void Cache::each(const std::function<void(const Entry&)>& visit) const {
  for (const Node& node : nodes_) visit(*node.entry);
}

}  // namespace postrider::route_cache
