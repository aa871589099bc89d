// SPDX-License-Identifier: MIT
// Rebuilds the index after a stop of any kind: the newest whole checkpoint, then the log behind it.
// Torn records at its end were never acknowledged and are ignored; damaged ones are copied to
// corrupt/ and named. Nothing is deleted here.
#pragma once

#include <map>

#include "store/checkpoint.hpp"
#include "store/scan.hpp"
#include "store/segment.hpp"

namespace postrider::store {

struct Replayed {
  Index index;
  std::map<std::uint32_t, SegmentPtr> segments;  ///< those that count
  std::vector<std::uint32_t> unused;             ///< dead, or prepared and never written
  std::uint64_t next_batch = 1;
  MessageId last_id = 0;
  Recovered report;
};

/// Copies what is damaged aside. `what` names it in the file's name.
void set_aside(FileSystem& files, const std::string& folder, const std::string& what,
               std::string_view octets);

Result<Replayed> replay_log(FileSystem& files, SegmentFolder& log, const std::string& corrupt,
                            const CheckpointFiles::Loaded& checkpoints);

}  // namespace postrider::store
