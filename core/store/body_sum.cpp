// SPDX-License-Identifier: MIT
// The checksum of a body, and the answer of bodies that need none.
#include "store/crc32c.hpp"
#include "store/store.hpp"

namespace postrider::store {

void BodySum::add(std::string_view octets) noexcept {
  size += octets.size();
  crc = crc32c(octets, crc);
}

Result<void> Body::confirm(const BodySum&) const {
  return {};
}

}  // namespace postrider::store
