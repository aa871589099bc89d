// SPDX-License-Identifier: MIT
// Destinations that were found to be ourselves, so that RCPT can say so without a lookup.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include <postrider/reply.hpp>
#include <postrider/time.hpp>

namespace postrider::loopback {

/// [any thread] One for all loops: a destination is judged on the loop that owns it, its senders
/// come to any. The lock is held for one step in a table, at RCPT and after a lookup.
class KnownLoops {
 public:
  /// Keys are Destination::text(). Known until then.
  void add(const std::string& destination, Reply reply, TimePoint until, TimePoint now);
  void remove(const std::string& destination);
  std::optional<Reply> find(const std::string& destination, TimePoint now) const;
  /// The configuration may have changed.
  void clear();

 private:
  struct Known {
    Reply reply;
    TimePoint until;
  };
  static constexpr std::size_t kMost = 1000;
  mutable std::mutex lock_;
  std::unordered_map<std::string, Known> known_;
};

}  // namespace postrider::loopback
