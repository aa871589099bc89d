// SPDX-License-Identifier: MIT
// The one thread that writes. A batch is whatever was queued while the last one was on its way to
// the disk: no timer delays anybody, and the flush is shared by all who wait.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

#include "store/store.hpp"

namespace postrider::store {

struct Pending {
  Transaction transaction;
  Durability durability = Durability::sync;
  Done done;
};

class CommitWriter {
 public:
  /// What the thread does.
  class Work {
   public:
    virtual ~Work() = default;
    /// Writes and answers all of them.
    virtual void write(std::vector<Pending>& pending) = 0;
    /// Upkeep after a batch and about once a second; true: call again soon, there is more.
    virtual bool tend() = 0;
  };

  /// `manual`: no thread; drive() does one round. For tests.
  CommitWriter(Work& work, std::chrono::milliseconds lazy_wait, bool manual);
  CommitWriter(const CommitWriter&) = delete;
  CommitWriter& operator=(const CommitWriter&) = delete;
  ~CommitWriter() { close(); }

  /// Starts the thread, unless manual. submit() does it too.
  void start();
  /// Any thread. After close() the answer is Errc::closing, from within the call.
  void submit(Pending pending);
  void drive();
  /// Writes what is queued and ends the thread. Idempotent.
  void close();

 private:
  void run();
  void start_locked();
  bool wait_for_work(std::unique_lock<std::mutex>& guard, bool busy);

  Work& work_;
  std::chrono::milliseconds lazy_wait_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Pending> queue_;
  std::chrono::steady_clock::time_point first_lazy_;
  bool manual_;
  bool urgent_ = false;
  bool closing_ = false;
  std::thread thread_;
};

}  // namespace postrider::store
