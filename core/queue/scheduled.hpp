// SPDX-License-Identifier: MIT
// What the scheduler knows of one delivery: a link in a list or a place in a heap, nothing else.
// The deliveries themselves derive from it and own it.
#pragma once

#include <cstddef>
#include <cstdint>

#include <postrider/time.hpp>

namespace postrider::queue {

class DestinationQueue;

struct Scheduled {
  enum class Place : std::uint8_t {
    none,          ///< not in the scheduler
    fresh,         ///< due, never tried
    retry,         ///< due again
    asked,         ///< due because the operator said so
    delayed,       ///< waits for its own time: the host answered, but not for it
    host_delayed,  ///< waits for its time, or for its host to come back
    active,        ///< taken
  };
  Scheduled() = default;
  Scheduled(const Scheduled&) = delete;
  Scheduled& operator=(const Scheduled&) = delete;

  DestinationQueue* home = nullptr;
  Scheduled* previous = nullptr;
  Scheduled* next = nullptr;
  TimePoint due{};  ///< while active: when it was taken
  std::uint32_t heap_place = 0;
  Place place = Place::none;
  bool was_tried : 1 = false;
  bool asked : 1 = false;  ///< the operator wants it tried now; until it is
};

/// First in, first out; any link can leave.
class ScheduledList {
 public:
  bool is_empty() const noexcept { return first_ == nullptr; }
  std::size_t size() const noexcept { return size_; }
  Scheduled* first() const noexcept { return first_; }

  void push_back(Scheduled& item) noexcept { link(item, last_, nullptr); }
  void push_front(Scheduled& item) noexcept { link(item, nullptr, first_); }
  void erase(Scheduled& item) noexcept {
    (item.previous ? item.previous->next : first_) = item.next;
    (item.next ? item.next->previous : last_) = item.previous;
    item.previous = item.next = nullptr;
    --size_;
  }

 private:
  void link(Scheduled& item, Scheduled* before, Scheduled* after) noexcept {
    item.previous = before;
    item.next = after;
    (before ? before->next : first_) = &item;
    (after ? after->previous : last_) = &item;
    ++size_;
  }
  Scheduled* first_ = nullptr;
  Scheduled* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace postrider::queue
