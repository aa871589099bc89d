// SPDX-License-Identifier: MIT
// Moves the few survivors out of an old segment that is mostly dead, into a cold segment of their
// own: mail deferred for days is copied once, rarely twice. The copies count only from the next
// checkpoint on; a crash before it finds the originals.
#pragma once

#include <set>
#include <vector>

#include "store/spool.hpp"

namespace postrider::store {

class Compaction {
 public:
  Compaction(Spool& spool, std::chrono::milliseconds minimum_age)
      : spool_(spool), minimum_age_(minimum_age) {}

  /// Looks at some thousand messages and copies up to 256 KiB; true if there is more to do now. The
  /// writer's thread, between two batches.
  bool step();

 private:
  bool choose();
  bool has_source() const { return next_.has_value(); }
  bool suits(const Segment& segment) const;
  struct Copy {
    Batch batch;
    std::vector<BodyPtr> bodies;
    ReadWindows windows;
  };
  /// False: no room for it in the cold segment.
  bool append(MessageId id, const Entry& entry, Copy& copy);
  bool gather(Copy& copy);
  bool write(Batch& batch);
  bool open_cold();

  Spool& spool_;
  std::chrono::milliseconds minimum_age_;
  std::uint32_t source_ = 0;
  std::optional<MessageId> next_;  ///< to look at: all before it have left the source
  std::set<std::uint32_t> stuck_;  ///< hold something that cannot be read: left as they are
};

}  // namespace postrider::store
