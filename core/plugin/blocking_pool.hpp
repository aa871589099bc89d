// SPDX-License-Identifier: MIT
// A few threads for work that blocks (files, fsync), shared by all loops and plugins.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace postrider::plugin {

/// [any thread]
class BlockingPool {
 public:
  explicit BlockingPool(unsigned threads = 4);
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;
  /// Finishes what was submitted. Runtimes that submitted work post to must still exist.
  ~BlockingPool();
  /// `work` must not throw.
  void submit(std::move_only_function<void()> work);

 private:
  void run();
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> waiting_;
  bool stop_ = false;
  std::vector<std::thread> threads_;  // last: they use the others
};

}  // namespace postrider::plugin
