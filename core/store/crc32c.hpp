// SPDX-License-Identifier: MIT
// CRC-32C (Castagnoli; RFC 3720 appendix B.4), the checksum of every record of the log.
#pragma once

#include <cstdint>
#include <string_view>

namespace postrider::store {

/// The CRC of what `crc` covered, followed by `octets`. Start with 0. By the processor's own
/// instruction where there is one. Any thread.
std::uint32_t crc32c(std::string_view octets, std::uint32_t crc = 0) noexcept;

/// The same without the instruction: the fallback, and what the tests compare with.
std::uint32_t crc32c_by_table(std::string_view octets, std::uint32_t crc = 0) noexcept;

}  // namespace postrider::store
