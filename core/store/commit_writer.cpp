// SPDX-License-Identifier: MIT
// The queue in front of the log and the thread that empties it.
#include "store/commit_writer.hpp"

#include <algorithm>
#include <utility>

namespace postrider::store {
namespace {

constexpr std::chrono::seconds kTendEvery{1};

}  // namespace

CommitWriter::CommitWriter(Work& work, std::chrono::milliseconds lazy_wait, bool manual)
    : work_(work), lazy_wait_(lazy_wait), manual_(manual) {}

void CommitWriter::start() {
  const std::lock_guard guard(mutex_);
  start_locked();
}

void CommitWriter::start_locked() {
  if (!manual_ && !closing_ && !thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void CommitWriter::submit(Pending pending) {
  std::unique_lock guard(mutex_);
  if (closing_) {
    guard.unlock();
    pending.done(std::unexpected(Error{Errc::closing, "the store is closed"}));
    return;
  }
  start_locked();
  const bool sync = pending.durability == Durability::sync;
  const bool wake = sync ? !urgent_ : queue_.empty();
  if (queue_.empty()) first_lazy_ = std::chrono::steady_clock::now();
  urgent_ = urgent_ || sync;
  queue_.push_back(std::move(pending));
  guard.unlock();
  if (wake) arrived_.notify_one();
}

void CommitWriter::drive() {
  std::vector<Pending> pending;
  {
    const std::lock_guard guard(mutex_);
    pending = std::exchange(queue_, {});
    urgent_ = false;
  }
  if (!pending.empty()) work_.write(pending);
  work_.tend();
}

// True if there is something to write; false if it is time for upkeep, or for the end.
bool CommitWriter::wait_for_work(std::unique_lock<std::mutex>& guard, bool busy) {
  const auto tend_at = std::chrono::steady_clock::now() + kTendEvery;
  while (!urgent_ && !closing_) {
    const bool lazy = !queue_.empty();
    if (busy && !lazy) return false;
    const auto until = lazy ? std::min(first_lazy_ + lazy_wait_, tend_at) : tend_at;
    if (std::chrono::steady_clock::now() >= until) return lazy;
    arrived_.wait_until(guard, until);
  }
  return !queue_.empty();
}

void CommitWriter::run() {
  std::vector<Pending> pending;
  std::unique_lock guard(mutex_);
  bool busy = false;
  while (true) {
    const bool work = wait_for_work(guard, busy);
    if (!work && closing_) return;
    if (work) {
      pending.swap(queue_);
      urgent_ = false;
    }
    guard.unlock();
    if (work) work_.write(pending);
    pending.clear();
    busy = work_.tend();
    guard.lock();
  }
}

void CommitWriter::close() {
  {
    const std::lock_guard guard(mutex_);
    if (closing_) return;
    closing_ = true;
    arrived_.notify_one();
  }
  if (thread_.joinable()) {
    thread_.join();
  } else {
    drive();
  }
}

}  // namespace postrider::store
