// SPDX-License-Identifier: MIT
// What other threads ask a loop to do: a list under a mutex. The loop is woken once for all that
// is posted before it looks.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace postrider::runtime {

class PostQueue {
 public:
  using Work = std::move_only_function<void()>;

  /// [any thread] True when the list was empty: then the caller wakes the loop.
  bool add(Work work);
  /// [any thread]
  bool is_empty() const;
  /// [loop] Run what was posted before this call, in order.
  void run();
  /// [loop] Drop what was not run.
  void clear() noexcept;

 private:
  mutable std::mutex mutex_;
  std::vector<Work> posted_;
  std::vector<Work> running_;  // kept for its memory
};

}  // namespace postrider::runtime
