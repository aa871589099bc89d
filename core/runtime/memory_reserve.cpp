// SPDX-License-Identifier: MIT
// Mapped, not allocated: what malloc gets back it may keep for one thread. The pages are never
// touched, so they cost address space and not memory.
#include "runtime/memory_reserve.hpp"

#include <atomic>
#include <mutex>
#include <new>

#include <malloc.h>
#include <sys/mman.h>

namespace postrider::runtime {
namespace {

std::mutex mutex;
void* reserve = nullptr;  // under the mutex, as its size
std::size_t reserved = 0;
std::atomic<bool> is_short = false;

/// Called by operator new of any thread; returning means: try again.
void use_reserve() {
  const std::lock_guard guard(mutex);
  if (!reserve) throw std::bad_alloc();
  is_short = true;
  ::munmap(reserve, reserved);
  reserve = nullptr;
  reserved = 0;
}

/// As much of the reserve as can be had: what sessions gave back stays with malloc.
void map_reserve() {
  for (std::size_t size = kMemoryReserve; !reserve && size >= kMemoryReserve / 16; size /= 2) {
    void* const mapped =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED) continue;
    reserve = mapped;
    reserved = size;
  }
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
  if (reserved == kMemoryReserve) return;
  ::malloc_trim(0);  // what the system counts as ours though nobody uses it
  map_reserve();
  is_short = reserved + ::mallinfo2().fordblks < kMemoryReserve / 2;
}

}  // namespace postrider::runtime
