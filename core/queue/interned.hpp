// SPDX-License-Identifier: MIT
// Values that many messages hold, once in memory for all of them: a million messages for a hundred
// thousand destinations hold a hundred thousand names, and one reason for each dead host.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <unordered_set>

namespace postrider::queue {

/// [loop thread] What it gave out may go to any thread. A value that nobody holds any more is
/// forgotten when there are twice as many as the last time that this was looked at.
template <class T, class Hash>
class Interned {
 public:
  using Ptr = std::shared_ptr<const T>;

  /// The one that equals `value`.
  Ptr share(T value) {
    if (const auto found = known_.find(value); found != known_.end()) return *found;
    if (known_.size() >= sweep_at_) sweep();
    return *known_.insert(std::make_shared<const T>(std::move(value))).first;
  }
  std::size_t size() const noexcept { return known_.size(); }

 private:
  struct HashOfValue : Hash {
    using is_transparent = void;
    using Hash::operator();
    std::size_t operator()(const Ptr& value) const { return Hash::operator()(*value); }
  };
  struct SameValue {
    using is_transparent = void;
    bool operator()(const Ptr& a, const Ptr& b) const { return *a == *b; }
    bool operator()(const T& a, const Ptr& b) const { return a == *b; }
    bool operator()(const Ptr& a, const T& b) const { return *a == b; }
  };
  void sweep() {
    // Only share() gives a value to others: one that is ours alone stays so.
    std::erase_if(known_, [](const Ptr& value) { return value.use_count() == 1; });
    sweep_at_ = std::max<std::size_t>(64, 2 * known_.size());
  }

  std::unordered_set<Ptr, HashOfValue, SameValue> known_;
  std::size_t sweep_at_ = 64;
};

}  // namespace postrider::queue
