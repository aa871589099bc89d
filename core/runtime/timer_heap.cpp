// SPDX-License-Identifier: MIT
// A 4-ary heap: half the levels of a binary one, and the children of a node lie side by side.
#include "runtime/timer_heap.hpp"

#include <algorithm>

namespace postrider::runtime {
namespace {
constexpr std::size_t kChildren = 4;
}

TimerHeap::~TimerHeap() {
  for (const Entry& entry : entries_) entry.timer->loop_ = nullptr;
}

void TimerHeap::start(Timer& timer, Loop& loop, TimePoint due) {
  const Entry entry{.due = due, .number = starts_++, .timer = &timer};
  timer.due_ = due;
  if (timer.is_running()) return settle(timer.place_, entry);
  entries_.push_back(entry);
  timer.loop_ = &loop;
  move_up(entries_.size() - 1, entry);
}

void TimerHeap::stop(Timer& timer) noexcept {
  if (!timer.is_running()) return;
  timer.loop_ = nullptr;
  const Entry last = entries_.back();
  entries_.pop_back();
  if (last.timer != &timer) settle(timer.place_, last);
}

std::optional<TimePoint> TimerHeap::earliest() const noexcept {
  if (entries_.empty()) return std::nullopt;
  return entries_.front().due;
}

void TimerHeap::expire(TimePoint now) noexcept {
  const std::uint64_t limit = starts_;
  while (!entries_.empty() && entries_.front().due <= now && entries_.front().number < limit) {
    Timer& timer = *entries_.front().timer;
    stop(timer);
    timer.expired();
  }
}

bool TimerHeap::is_before(const Entry& left, const Entry& right) noexcept {
  return left.due != right.due ? left.due < right.due : left.number < right.number;
}

void TimerHeap::put(std::size_t place, const Entry& entry) noexcept {
  entries_[place] = entry;
  entry.timer->place_ = place;
}

void TimerHeap::settle(std::size_t place, const Entry& entry) noexcept {
  if (place > 0 && is_before(entry, entries_[(place - 1) / kChildren])) {
    move_up(place, entry);
  } else {
    move_down(place, entry);
  }
}

void TimerHeap::move_up(std::size_t place, const Entry& entry) noexcept {
  while (place > 0) {
    const std::size_t parent = (place - 1) / kChildren;
    if (!is_before(entry, entries_[parent])) break;
    put(place, entries_[parent]);
    place = parent;
  }
  put(place, entry);
}

void TimerHeap::move_down(std::size_t place, const Entry& entry) noexcept {
  for (;;) {
    const std::size_t first = place * kChildren + 1;
    if (first >= entries_.size()) break;
    const std::size_t end = std::min(first + kChildren, entries_.size());
    std::size_t least = first;
    for (std::size_t child = first + 1; child < end; ++child)
      if (is_before(entries_[child], entries_[least])) least = child;
    if (!is_before(entries_[least], entry)) break;
    put(place, entries_[least]);
    place = least;
  }
  put(place, entry);
}

}  // namespace postrider::runtime
