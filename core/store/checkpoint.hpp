// SPDX-License-Identifier: MIT
// The checkpoint says which segments count, and where every live message lies in them; recovery
// replays only the log behind it. It is the authority: a segment that it does not name and that is
// older than its replay_from is dead, whatever the folder shows. Two generations are kept in two
// files, each written over the one before the last, so that a full disk cannot prevent it.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "store/file.hpp"
#include "store/index.hpp"

namespace postrider::store {

/// What stands at the head of a checkpoint.
struct CheckpointHead {
  std::uint64_t generation = 0;
  std::uint32_t replay_from = 1;  ///< segments from this number on are replayed
  std::uint64_t next_batch = 1;
  MessageId last_id = 0;
};

using Salts = std::map<std::uint32_t, std::uint64_t>;

struct Checkpoint : CheckpointHead {
  Salts salts;  ///< of the segments that hold live messages
  Index index;

  bool needs(std::uint32_t segment) const {
    return segment >= replay_from || salts.contains(segment);
  }
};

enum class CheckpointPart : std::uint8_t { all, without_index };

/// Nothing if the text is not a whole checkpoint.
std::optional<Checkpoint> parse_checkpoint(std::string_view text,
                                           CheckpointPart part = CheckpointPart::all);

/// The two files CHECKPOINT.0 and CHECKPOINT.1. One thread.
class CheckpointFiles {
 public:
  CheckpointFiles(FileSystem& files, std::string folder);

  struct Loaded {
    std::optional<Checkpoint> newest;
    std::optional<Checkpoint> former;  ///< without its index, if there is a newest
    bool any = false;                  ///< a file is there, whole or not
  };
  /// Reads both. A newer format is an error.
  Result<Loaded> load();
  /// Flushes both: what a process that was killed left of them may be in the page cache only.
  Result<void> sync();

  /// Opens the older of the two for the next generation.
  Result<std::unique_ptr<File>> open_older();
  /// What was written there is synced: now it is the newest.
  Result<void> accept();
  /// What a failed flush left in the page cache is not to be trusted: begin with a new file.
  void discard();

 private:
  std::string path(std::size_t slot) const;
  Result<std::string> read(std::size_t slot, std::size_t most) const;

  FileSystem& files_;
  std::string folder_;
  std::size_t newest_slot_ = 1;
};

/// Writes a checkpoint in slices, with commits between them. What is committed after begin() lies
/// in the log from `replay_from` on and is replayed over whatever a slice says of it; what a slice
/// points at is not freed before the end. So the whole is right though no moment looked like it.
class CheckpointWriter {
 public:
  /// The salt of a segment that counts; nothing if it is gone.
  using SaltOf = std::function<std::optional<std::uint64_t>(std::uint32_t)>;

  CheckpointWriter(CheckpointFiles& files, const Index& index, SaltOf salt_of)
      : files_(files), index_(index), salt_of_(std::move(salt_of)) {}

  /// Starts one; what was being written is forgotten.
  void begin(const CheckpointHead& head);
  bool is_active() const { return active_; }
  /// Writes and flushes at most so many messages. True: it is durable. An error ends it.
  Result<bool> step(std::size_t messages);
  const CheckpointHead& head() const { return head_; }
  /// The segments that it names.
  const Salts& salts() const { return salts_; }

 private:
  void append_message(MessageId id, const Entry& entry);
  void append_end();
  Result<void> flush(bool last);

  CheckpointFiles& files_;
  const Index& index_;
  SaltOf salt_of_;
  bool active_ = false;
  CheckpointHead head_;
  std::unique_ptr<File> file_;
  std::optional<MessageId> next_;
  Salts salts_;
  std::string text_;  ///< of the slice
  std::uint64_t written_ = 0;
  std::uint32_t crc_ = 0;
};

}  // namespace postrider::store
