// SPDX-License-Identifier: MIT
// The flight recorder of a loop: the conversations under way and the last ones that ended. It
// belongs to the loop, not to an instance of the plugin, so a reload forgets nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include <postrider/loop.hpp>

#include "conversation.hpp"

namespace postrider::protocol_log {

/// [loop thread]
class Recorder {
 public:
  /// The recorder of block `id` on `loop`, shared with instances that a reload replaces.
  static std::shared_ptr<Recorder> of(const Loop& loop, const std::string& id);

  /// How many ended conversations stay.
  void keep(std::size_t count);
  std::size_t kept() const noexcept { return kept_; }
  /// A new one; null when too many are under way. One that had this id has ended now.
  Conversation* begin(const ProtocolEvent& event, WallTime now, std::size_t room);
  /// The one of this id, under way; else one that ended a moment ago; else null.
  Conversation* find(std::string_view id);
  /// It ended; it is found no more by begin()'s place, but by find() for a while.
  void finish(Conversation& conversation);
  std::uint64_t next_number() noexcept { return ++number_; }
  std::uint64_t last_number() const noexcept { return number_; }

  /// Those that ended, oldest first, then those under way.
  void visit(const std::function<void(Conversation&)>& visitor);

 private:
  using Places = std::list<Conversation>;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view id) const noexcept {
      return std::hash<std::string_view>{}(id);
    }
  };
  void forget_old();

  Places live_;
  Places ended_;
  std::unordered_map<std::string, Places::iterator, Hash, std::equal_to<>> by_id_;
  Conversation* latest_ = nullptr;  // under way, asked for last
  std::size_t kept_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace postrider::protocol_log
