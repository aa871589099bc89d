// SPDX-License-Identifier: MIT
// A message body that lives in memory.
#include <string>
#include <utility>

#include "store/store.hpp"

namespace postrider::store {
namespace {

class MemoryBody final : public Body {
 public:
  explicit MemoryBody(std::string octets) : octets_(std::move(octets)) {}
  std::uint64_t size() const noexcept override { return octets_.size(); }
  std::string_view memory() const noexcept override { return octets_; }
  Result<std::size_t> read(std::uint64_t offset, char* target, std::size_t length) const override {
    if (offset >= octets_.size()) return 0;
    return octets_.copy(target, length, offset);
  }

 private:
  std::string octets_;
};

}  // namespace

BodyPtr make_memory_body(std::string octets) {
  return std::make_shared<MemoryBody>(std::move(octets));
}

}  // namespace postrider::store
