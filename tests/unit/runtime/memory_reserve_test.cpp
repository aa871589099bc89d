// SPDX-License-Identifier: MIT
#include "runtime/memory_reserve.hpp"

#include <new>

#include <gtest/gtest.h>

namespace postrider::runtime {
namespace {

TEST(MemoryReserve, IsGivenBackOnceAndHadAgain) {
  keep_memory_reserve();
  const std::new_handler out_of_memory = std::get_new_handler();
  ASSERT_NE(out_of_memory, nullptr);
  EXPECT_FALSE(is_memory_short());
  out_of_memory();  // as operator new calls it; the next attempt may succeed
  EXPECT_TRUE(is_memory_short());
  EXPECT_THROW(out_of_memory(), std::bad_alloc);
  EXPECT_TRUE(is_memory_short());
  restore_memory_reserve();
  EXPECT_FALSE(is_memory_short());
  restore_memory_reserve();
  EXPECT_NO_THROW(out_of_memory());
  restore_memory_reserve();
  std::set_new_handler(nullptr);
}

}  // namespace
}  // namespace postrider::runtime
