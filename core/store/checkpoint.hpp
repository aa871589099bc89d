// SPDX-License-Identifier: MIT
// The checkpoint says which segments count, and where every live message lies in them; recovery
// replays only the log behind it. It is the authority: a segment that it does not name and that is
// older than its replay_from is dead, whatever the folder shows. Two generations are kept in two
// files, each written over the one before the last, so that a full disk cannot prevent it.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>

#include "store/file.hpp"
#include "store/index.hpp"

namespace postrider::store {

struct Checkpoint {
  std::uint64_t generation = 0;
  std::uint32_t replay_from = 1;  ///< segments from this number on are replayed
  std::uint64_t next_batch = 1;
  MessageId last_id = 0;
  std::map<std::uint32_t, std::uint64_t> salts;  ///< of the segments that hold live messages
  Index index;

  bool needs(std::uint32_t segment) const {
    return segment >= replay_from || salts.contains(segment);
  }
};

std::string format_checkpoint(std::uint64_t generation, std::uint32_t replay_from,
                              std::uint64_t next_batch, MessageId last_id,
                              const std::map<std::uint32_t, std::uint64_t>& salts,
                              const Index& index);
/// Nothing if the text is not a whole checkpoint.
std::optional<Checkpoint> parse_checkpoint(std::string_view text);

/// The two files CHECKPOINT.0 and CHECKPOINT.1. One thread.
class CheckpointFiles {
 public:
  CheckpointFiles(FileSystem& files, std::string folder);

  struct Loaded {
    std::optional<Checkpoint> newest;
    std::optional<Checkpoint> former;
    bool any = false;  ///< a file is there, whole or not
  };
  /// Reads both. A newer format is an error.
  Result<Loaded> load();
  /// Writes over the older of the two; durable when it returns.
  Result<void> write(std::string_view text);

 private:
  std::string path(std::size_t slot) const;

  FileSystem& files_;
  std::string folder_;
  std::size_t newest_slot_ = 1;
};

}  // namespace postrider::store
