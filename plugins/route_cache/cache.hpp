// SPDX-License-Identifier: MIT
// The answers that are kept: at most so many, the least recently used goes first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <postrider/loop.hpp>
#include <postrider/route.hpp>

#include "lifetime.hpp"

namespace postrider::route_cache {

/// Calls `due` once; stops with its entry.
class RefreshTimer final : public Timer {
 public:
  std::function<void()> due;

 private:
  void expired() noexcept override { due(); }
};

struct Entry {
  Entry(Destination to, RouteResult answer, Lifetime life, TimePoint found)
      : destination(std::move(to)), result(std::move(answer)), found_at(found), lives(life) {}

  Destination destination;
  RouteResult result;
  TimePoint found_at;  ///< when its lookup ended
  Lifetime lives;
  std::uint64_t hits = 0;   ///< of this destination, refreshes included
  std::string last_result;  ///< of the last lookup, in words
  RefreshTimer refresh;

  /// Nothing: kept until it is flushed.
  std::optional<TimePoint> ends_at() const noexcept;
  bool is_over(TimePoint now) const noexcept;
};

/// [loop thread] Keys are Destination::text().
class Cache {
 public:
  explicit Cache(std::size_t most) : most_(most) {}

  /// The entry, now the most recently used; null if there is none that may still be used.
  Entry* find(const std::string& key, TimePoint now);
  /// The same without a change of the order.
  Entry* current(const std::string& key, TimePoint now);
  /// Keeps an answer in place of a former one, whose hits it inherits.
  Entry& put(const std::string& key, std::unique_ptr<Entry> entry);
  /// Drops what `which` says is to go; how many.
  std::size_t drop(const std::function<bool(const Entry&)>& which);
  /// From the most to the least recently used.
  void each(const std::function<void(const Entry&)>& visit) const;
  std::size_t size() const noexcept { return index_.size(); }
  std::uint64_t evicted() const noexcept { return evicted_; }

 private:
  struct Node {
    std::string key;
    std::unique_ptr<Entry> entry;
  };
  using Nodes = std::list<Node>;
  void erase(Nodes::iterator node);

  std::size_t most_;
  std::uint64_t evicted_ = 0;
  Nodes nodes_;  // the most recently used first
  std::unordered_map<std::string, Nodes::iterator> index_;
};

}  // namespace postrider::route_cache
