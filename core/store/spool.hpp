// SPDX-License-Identifier: MIT
// The parts of the log on disk held together: folders, segments, index, checkpoints. Everything
// runs on the writer's thread except body(); the mutex guards what body() and the statistics read.
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>

#include "store/checkpoint.hpp"
#include "store/large_body.hpp"
#include "store/recovery.hpp"
#include "store/segment.hpp"

namespace postrider::store {

/// One message as the log has it.
struct LogMessage {
  std::string envelope;
  std::string state;
};

class Spool {
 public:
  Spool(FileSystem& files, const LogOptions& options);

  /// Locks the folder, refuses a newer format, replays the log, starts a new checkpoint.
  Result<Recovered> open();

  /// Any thread.
  Result<BodyPtr> body(MessageId id) const;
  Result<Stored> load(MessageId id) const;
  /// Envelope and newest state, checked. Errc::corrupt if they are damaged.
  Result<LogMessage> text(const Entry& entry) const;

  /// The segment to write to next. A segment taken for mail must leave one for completions.
  Result<void> rotate(bool for_mail);
  /// No more writes to the current segment.
  void seal_current();
  /// Prepares segments ahead of need; the error if that is not possible now.
  Result<void> prepare_ahead();
  /// Whether a segment would be left for completions if mail fills the current one.
  Result<void> check_reserve();
  /// The disk is short: remove dead segments, none is kept for reuse.
  void give_back();
  Result<void> checkpoint();
  /// Writes a checkpoint if enough was written since the last.
  void checkpoint_if_due();
  /// Takes a prepared segment away for compaction if enough are left.
  SegmentPtr take_cold();
  bool is_open_for_writing(std::uint32_t number) const;
  /// The log before this segment is in the newest checkpoint.
  std::uint32_t checkpointed_before() const { return needs_[0].replay_from; }
  /// Copies a damaged message to corrupt/.
  void set_aside_message(MessageId id, const Entry& entry, const Segment& put) const;
  SegmentPtr segment(std::uint32_t number) const;

  FileSystem& files;
  const LogOptions options;
  LargeBodies large_bodies;
  mutable std::mutex mutex;
  Index index;
  std::map<std::uint32_t, SegmentPtr> segments;
  SegmentPtr current;
  SegmentPtr cold;
  std::uint64_t next_batch = 1;
  MessageId last_id = 0;

 private:
  static Result<LogMessage> text(const Entry& entry, const SegmentPtr& put,
                                 const SegmentPtr& newer);
  struct Need {
    std::uint32_t replay_from = 0;
    std::set<std::uint32_t> listed;
    bool has(std::uint32_t number) const {
      return number >= replay_from || listed.contains(number);
    }
  };
  Result<void> make_folders();
  Result<void> start(const CheckpointFiles::Loaded& loaded, Replayed& replayed);
  void remove_orphans(Recovered& report);
  Result<void> prepare_one();
  bool any_dead() const;
  void free_dead();

  std::string corrupt_;
  SegmentFolder log_;
  CheckpointFiles checkpoints_;
  std::unique_ptr<File> lock_;
  std::deque<SegmentPtr> prepared_;
  std::array<Need, 2> needs_;  ///< of the two newest durable checkpoints
  std::uint64_t generation_ = 0;
  std::uint64_t written_since_checkpoint_ = 0;
};

}  // namespace postrider::store
