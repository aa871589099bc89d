// SPDX-License-Identifier: MIT
// The frame pool: free lists of 64-octet size classes, one set per thread and library.
#include <array>
#include <new>

#include <postrider/task.hpp>

namespace postrider::detail {
namespace {

constexpr std::size_t kStep = 64;
constexpr std::size_t kClasses = 64;  // frames of up to 4 KiB; larger ones go to the heap
constexpr std::size_t kKept = 1024;   // blocks kept per class

struct FreeBlock {
  FreeBlock* next;
};

class FramePool {
 public:
  FramePool() = default;
  FramePool(const FramePool&) = delete;
  FramePool& operator=(const FramePool&) = delete;
  ~FramePool() {
    alive_ = false;
    for (auto*& head : heads_)
      while (head) ::operator delete(std::exchange(head, head->next));
  }

  void* take(std::size_t index) {
    FreeBlock*& head = heads_[index];
    if (!head) return ::operator new((index + 1) * kStep);
    --counts_[index];
    return std::exchange(head, head->next);
  }
  void give(void* block, std::size_t index) noexcept {
    if (counts_[index] == kKept) return ::operator delete(block);
    ++counts_[index];
    heads_[index] = new (block) FreeBlock{heads_[index]};
  }

  /// False once this thread's pool is gone (frames may die after it, at thread exit).
  static inline thread_local bool alive_ = true;

 private:
  std::array<FreeBlock*, kClasses> heads_{};
  std::array<std::size_t, kClasses> counts_{};
};

FramePool& pool() {
  static thread_local FramePool instance;
  return instance;
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
constexpr bool kPooled = false;  // let the sanitizer see each frame's life
#else
constexpr bool kPooled = true;
#endif

void* allocate_frame(std::size_t size) {
  const std::size_t index = (size - 1) / kStep;
  if (!kPooled || index >= kClasses) return ::operator new(size);
  if (!FramePool::alive_) return ::operator new((index + 1) * kStep);
  return pool().take(index);
}

void release_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = (size - 1) / kStep;
  if (!kPooled || index >= kClasses || !FramePool::alive_) return ::operator delete(frame);
  pool().give(frame, index);
}

}  // namespace postrider::detail
