// SPDX-License-Identifier: MIT
// Mapped, not allocated: what malloc gets back it may keep for one thread. The pages are never
// touched, so they cost address space and not memory.
#include "runtime/memory_reserve.hpp"

#include <atomic>
#include <mutex>
#include <new>

#include <sys/mman.h>

namespace postrider::runtime {
namespace {

std::mutex mutex;
void* reserve = nullptr;  // under the mutex
std::atomic<bool> is_short = false;

/// Called by operator new of any thread; returning means: try again.
void use_reserve() {
  const std::lock_guard guard(mutex);
  if (!reserve) throw std::bad_alloc();
  is_short = true;
  ::munmap(reserve, kMemoryReserve);
  reserve = nullptr;
}

}  // namespace

void keep_memory_reserve() {
  restore_memory_reserve();
  std::set_new_handler(use_reserve);
}

bool is_memory_short() noexcept {
  return is_short.load(std::memory_order_relaxed);
}

void restore_memory_reserve() noexcept {
  const std::lock_guard guard(mutex);
  if (reserve) return;
  void* const again =
      ::mmap(nullptr, kMemoryReserve, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (again == MAP_FAILED) return;
  reserve = again;
  is_short = false;
}

}  // namespace postrider::runtime
