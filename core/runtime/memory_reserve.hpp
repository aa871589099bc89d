// SPDX-License-Identifier: MIT
// Memory set apart for the day when the system has no more: then it is given back, so that what is
// under way can end, and nothing new is taken in until the reserve can be had again.
#pragma once

#include <cstddef>

namespace postrider::runtime {

inline constexpr std::size_t kMemoryReserve = std::size_t{16} << 20;

/// Set the reserve apart; operator new uses it up before it fails. [main thread, once]
void keep_memory_reserve();
/// The reserve is in use: refuse sessions and mail. [any thread]
bool is_memory_short() noexcept;
/// Try to have the reserve again; nothing happens while it is whole. [one thread]
void restore_memory_reserve() noexcept;

}  // namespace postrider::runtime
