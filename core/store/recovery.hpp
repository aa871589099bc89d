// SPDX-License-Identifier: MIT
// Rebuilds the index after a stop of any kind: the newest whole checkpoint, then the log behind it.
// Torn records at its end were never acknowledged and are ignored; damaged ones are copied to
// corrupt/ and named. Nothing is deleted here. Without a checkpoint all of the log is read, and
// what was removed by a segment that is gone since comes back: twice is better than never.
#pragma once

#include <map>

#include "store/checkpoint.hpp"
#include "store/quarantine.hpp"
#include "store/scan.hpp"
#include "store/segment.hpp"

namespace postrider::store {

struct Replayed {
  Index index;
  /// Those that count; of those that were replayed, `tail` is the end of what they hold.
  std::map<std::uint32_t, SegmentPtr> segments;
  std::vector<std::uint32_t> unused;  ///< dead, or prepared and never written
  std::uint64_t next_batch = 1;
  MessageId last_id = 0;
  std::uint64_t replayed = 0;  ///< octets of log behind the checkpoint
  Recovered report;
};

/// Takes the index of the newest checkpoint. Writes to `quarantine` only, and only what was read.
Result<Replayed> replay_log(FileSystem& files, SegmentFolder& log, Quarantine& quarantine,
                            CheckpointFiles::Loaded& checkpoints, Unreadable unreadable);

}  // namespace postrider::store
