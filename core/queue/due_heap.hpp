// SPDX-License-Identifier: MIT
// A binary heap of things that know when they are due and where they sit in it, so that any of them
// can leave or move in O(log n). T has a time `due` and `std::uint32_t heap_place`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace postrider::queue {

template <class T>
class DueHeap {
 public:
  /// `steps` counts the moves, for the tests that watch the cost.
  explicit DueHeap(std::uint64_t& steps) : steps_(&steps) {}

  bool is_empty() const noexcept { return items_.empty(); }
  std::size_t size() const noexcept { return items_.size(); }
  /// The earliest; null if empty.
  T* top() const noexcept { return items_.empty() ? nullptr : items_.front(); }

  void push(T& item) {
    items_.push_back(&item);
    rise(items_.size() - 1);
  }
  void erase(T& item) {
    const std::size_t place = item.heap_place;
    T* last = items_.back();
    items_.pop_back();
    if (last == &item) return;
    put(place, last);
    move(place);
  }
  /// After a change of `item.due`.
  void moved(T& item) { move(item.heap_place); }
  /// Everything, earliest first only for the first.
  std::vector<T*> release() noexcept { return std::exchange(items_, {}); }

 private:
  void put(std::size_t place, T* item) noexcept {
    ++*steps_;
    items_[place] = item;
    item->heap_place = static_cast<std::uint32_t>(place);
  }
  void move(std::size_t place) {
    T* item = items_[place];
    rise(place);
    sink(item->heap_place);
  }
  void rise(std::size_t place) {
    T* item = items_[place];
    for (; place > 0; place = (place - 1) / 2) {
      T* parent = items_[(place - 1) / 2];
      if (!(item->due < parent->due)) break;
      put(place, parent);
    }
    put(place, item);
  }
  void sink(std::size_t place) {
    T* item = items_[place];
    for (;;) {
      std::size_t child = 2 * place + 1;
      if (child >= items_.size()) break;
      if (child + 1 < items_.size() && items_[child + 1]->due < items_[child]->due) ++child;
      if (!(items_[child]->due < item->due)) break;
      put(place, items_[child]);
      place = child;
    }
    put(place, item);
  }

  std::vector<T*> items_;
  std::uint64_t* steps_;
};

}  // namespace postrider::queue
