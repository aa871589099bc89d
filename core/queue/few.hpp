// SPDX-License-Identifier: MIT
// A few of something, usually one: a message has mostly one recipient at one destination. One
// stands in this object itself, more stand in a block of their own.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace postrider::queue {

/// Their number is set as a whole; each starts as T().
template <class T>
class Few {
 public:
  Few() noexcept : many_(nullptr) {}
  explicit Few(std::size_t size) : Few() { reset(size); }
  explicit Few(std::span<const T> from) : Few() { assign(from); }
  Few(Few&& other) noexcept
    requires std::movable<T>
      : Few() {
    take(other);
  }
  Few& operator=(Few&& other) noexcept
    requires std::movable<T>
  {
    if (this == &other) return *this;
    reset(0);
    take(other);
    return *this;
  }
  ~Few() { reset(0); }

  /// All of them anew.
  void reset(std::size_t size) {
    if (size_ == 1) std::destroy_at(&one_);
    if (size_ > 1) delete[] many_;
    size_ = static_cast<std::uint32_t>(size);
    if (size == 1)
      std::construct_at(&one_);
    else
      many_ = size > 1 ? new T[size]() : nullptr;
  }
  void assign(std::span<const T> from) {
    reset(from.size());
    std::ranges::copy(from, begin());
  }
  /// Their copies.
  std::vector<T> list() const { return {begin(), end()}; }

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* begin() noexcept { return size_ == 1 ? &one_ : many_; }
  const T* begin() const noexcept { return size_ == 1 ? &one_ : many_; }
  T* end() noexcept { return begin() + size_; }
  const T* end() const noexcept { return begin() + size_; }
  T& operator[](std::size_t place) noexcept { return begin()[place]; }
  const T& operator[](std::size_t place) const noexcept { return begin()[place]; }
  T& front() noexcept { return *begin(); }
  const T& front() const noexcept { return *begin(); }

 private:
  void take(Few& other) noexcept {
    if (other.size_ != 1) {
      many_ = std::exchange(other.many_, nullptr);
      size_ = std::exchange(other.size_, 0);
      return;
    }
    std::construct_at(&one_, std::move(other.one_));
    size_ = 1;
    other.reset(0);
  }

  std::uint32_t size_ = 0;
  union {
    T one_;
    T* many_;
  };
};

}  // namespace postrider::queue
