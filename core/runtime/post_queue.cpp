// SPDX-License-Identifier: MIT
// Two vectors change places, so that posting costs no allocation once they have grown.
#include "runtime/post_queue.hpp"

#include <utility>

namespace postrider::runtime {

bool PostQueue::add(Work work) {
  const std::lock_guard lock(mutex_);
  posted_.push_back(std::move(work));
  return posted_.size() == 1;
}

bool PostQueue::is_empty() const {
  const std::lock_guard lock(mutex_);
  return posted_.empty();
}

void PostQueue::run() {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(posted_);
  }
  for (Work& work : running_) {
    work();
    work = nullptr;  // its end too comes before the next one's begin
  }
  running_.clear();
}

void PostQueue::clear() noexcept {
  for (;;) {
    std::vector<Work> dropped;
    {
      const std::lock_guard lock(mutex_);
      dropped.swap(posted_);
    }
    if (dropped.empty()) return;
  }
}

}  // namespace postrider::runtime
