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

  /// Copies up to a megabyte; true if there is more to do now. The writer's thread.
  bool step();

 private:
  bool choose();
  bool suits(const Segment& segment) const;
  /// False: no room for it in the cold segment.
  bool append(MessageId id, Batch& batch, std::vector<BodyPtr>& bodies);
  bool write(Batch& batch);
  bool open_cold();

  Spool& spool_;
  std::chrono::milliseconds minimum_age_;
  std::uint32_t source_ = 0;
  std::vector<MessageId> ids_;
  std::set<std::uint32_t> stuck_;  ///< hold something that cannot be read: left as they are
};

}  // namespace postrider::store
