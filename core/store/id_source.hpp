// SPDX-License-Identifier: MIT
// Where message ids come from: the milliseconds since 1970 in the upper 44 bits, a counter below.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>

#include "store/store.hpp"

namespace postrider::store {

/// Hands out ids, each greater than all before it, whatever the clock does. Any thread.
class IdSource {
 public:
  MessageId next() {
    const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch());
    const MessageId by_clock = static_cast<MessageId>(now.count()) << kCounterBits;
    MessageId last = last_.load();
    MessageId id = 0;
    do {
      id = std::max(last + 1, by_clock);
    } while (!last_.compare_exchange_weak(last, id));
    return id;
  }
  /// No later id will be this one or a smaller one.
  void pass(MessageId used) {
    MessageId last = last_.load();
    while (last < used && !last_.compare_exchange_weak(last, used)) {
    }
  }
  MessageId last() const { return last_.load(); }

 private:
  static constexpr int kCounterBits = 20;
  std::atomic<MessageId> last_{0};
};

}  // namespace postrider::store
