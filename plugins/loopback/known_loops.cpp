// SPDX-License-Identifier: MIT
#include "known_loops.hpp"

#include <utility>

namespace postrider::loopback {

void KnownLoops::add(const std::string& destination, Reply reply, TimePoint until, TimePoint now) {
  const std::lock_guard guard(lock_);
  if (known_.size() >= kMost)
    std::erase_if(known_, [now](const auto& one) { return now >= one.second.until; });
  if (known_.size() >= kMost) known_.clear();
  known_[destination] = {std::move(reply), until};
}

void KnownLoops::remove(const std::string& destination) {
  const std::lock_guard guard(lock_);
  known_.erase(destination);
}

std::optional<Reply> KnownLoops::find(const std::string& destination, TimePoint now) const {
  const std::lock_guard guard(lock_);
  const auto found = known_.find(destination);
  if (found == known_.end() || now >= found->second.until) return std::nullopt;
  return found->second.reply;
}

void KnownLoops::clear() {
  const std::lock_guard guard(lock_);
  known_.clear();
}

}  // namespace postrider::loopback
