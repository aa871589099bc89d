// SPDX-License-Identifier: MIT
// CRC-32C: the SSE 4.2 instruction eight octets at a time, or a table one octet at a time.
#include "store/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace postrider::store {
namespace {

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}

constexpr auto kTable = make_table();

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) std::uint32_t crc32c_by_instruction(std::string_view octets,
                                                                      std::uint32_t crc) noexcept {
  std::uint64_t value = crc ^ 0xffffffffu;
  const char* at = octets.data();
  std::size_t left = octets.size();
  for (; left >= 8; left -= 8, at += 8) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof word);
    value = __builtin_ia32_crc32di(value, word);
  }
  auto rest = static_cast<std::uint32_t>(value);
  for (; left > 0; --left, ++at) {
    rest = __builtin_ia32_crc32qi(rest, static_cast<unsigned char>(*at));
  }
  return rest ^ 0xffffffffu;
}
#endif

}  // namespace

std::uint32_t crc32c_by_table(std::string_view octets, std::uint32_t crc) noexcept {
  std::uint32_t value = crc ^ 0xffffffffu;
  for (const char octet : octets) {
    value = kTable[(value ^ static_cast<unsigned char>(octet)) & 0xffu] ^ (value >> 8);
  }
  return value ^ 0xffffffffu;
}

std::uint32_t crc32c(std::string_view octets, std::uint32_t crc) noexcept {
#if defined(__x86_64__)
  static const bool instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (instruction) return crc32c_by_instruction(octets, crc);
#endif
  return crc32c_by_table(octets, crc);
}

}  // namespace postrider::store
