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
#include "store/quarantine.hpp"
#include "store/recovery.hpp"
#include "store/segment.hpp"

namespace postrider::store {

/// One message as the log has it.
struct LogMessage {
  std::string envelope;
  std::string state;
  std::uint32_t body_crc = 0;
  std::optional<Error> state_error;  ///< why its newest state cannot be read
};

/// The octets of a segment around what was read last: who reads records in the order in which they
/// lie there asks the disk once for many.
class ReadWindow {
 public:
  explicit ReadWindow(std::uint64_t ahead = 32 << 10) : ahead_(ahead) {}

  /// `size` octets at `offset`; fewer at the end of the file. Valid until the next call.
  Result<std::string_view> read(const Segment& segment, std::uint64_t offset, std::uint64_t size);

 private:
  std::uint64_t ahead_;  ///< octets to ask for at least
  const Segment* segment_ = nullptr;
  std::uint64_t offset_ = 0;
  std::string octets_;
};
/// One for envelopes, one for the newer states.
struct ReadWindows {
  ReadWindow puts;
  ReadWindow states;
};

class Spool {
 public:
  enum class Purpose : std::uint8_t { serve, repair, look };

  /// To look, `files` must be read-only. To serve, what cannot be read for the moment is an error.
  Spool(FileSystem& files, const LogOptions& options, Purpose purpose = Purpose::serve);

  /// Locks the folder, refuses a newer format, replays the log, starts a new checkpoint. To serve
  /// or to repair.
  Result<Recovered> open();
  /// The same for Purpose::look, with nothing written: what open() would find and report.
  Result<Recovered> look();

  /// Any thread.
  Result<BodyPtr> body(MessageId id) const;
  Result<Stored> load(MessageId id) const;
  /// Envelope and newest state, checked. Errc::corrupt if the envelope is damaged.
  Result<LogMessage> text(const Entry& entry, ReadWindows& windows) const;
  /// The same where the segments of envelope and state are at hand.
  static Result<LogMessage> text(const Entry& entry, const SegmentPtr& put, const SegmentPtr& newer,
                                 ReadWindows& windows);

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
  /// Writes a whole checkpoint now. For the start, the end and a full disk: it takes a second for a
  /// million messages.
  Result<void> checkpoint();
  /// At the end: a checkpoint that covers all of the log, so that the next start replays nothing.
  Result<void> close();
  /// A slice of a checkpoint, or of freeing dead segments, if there is reason; true: there is more.
  bool tend_checkpoint(std::size_t slice);
  /// Takes a prepared segment away for compaction if enough are left.
  SegmentPtr take_cold();
  bool is_open_for_writing(std::uint32_t number) const;
  /// The log before this segment is in the newest checkpoint.
  std::uint32_t checkpointed_before() const { return needs_[0].replay_from; }
  /// Copies a damaged message to corrupt/, a large body too. False: that failed.
  bool set_aside_message(MessageId id, const Entry& entry, const std::string& why) const;
  SegmentPtr segment(std::uint32_t number) const;

  FileSystem& files;
  const LogOptions options;
  mutable Quarantine quarantine;
  LargeBodies large_bodies;
  mutable std::mutex mutex;
  Index index;
  std::map<std::uint32_t, SegmentPtr> segments;
  SegmentPtr current;
  SegmentPtr cold;
  std::uint64_t next_batch = 1;
  MessageId last_id = 0;

 private:
  struct Need {
    std::uint32_t replay_from = 0;
    std::set<std::uint32_t> listed;
    bool has(std::uint32_t number) const {
      return number >= replay_from || listed.contains(number);
    }
  };
  Result<void> make_folders();
  Result<BodyPtr> read_body(MessageId id, const Entry& entry, const Segment& put) const;
  void take(Replayed& replayed);
  Result<void> start(const CheckpointFiles::Loaded& loaded, Replayed& replayed);
  Result<void> sync_found();
  void trim_replayed(std::uint32_t replay_from);
  void remove_orphans(Recovered& report, bool removals_known);
  void set_lost_files_aside(const std::vector<MessageId>& present, Recovered& report,
                            bool removals_known);
  void begin_checkpoint();
  Result<bool> step_checkpoint(std::size_t messages);
  Result<void> prepare_one();
  bool any_dead() const;
  void find_dead();
  void free_some(std::size_t most);

  const Unreadable unreadable_;
  SegmentFolder log_;
  CheckpointFiles checkpoints_;
  CheckpointWriter writer_;
  std::unique_ptr<File> lock_;
  std::deque<SegmentPtr> prepared_;
  std::deque<std::uint32_t> dead_;  ///< to be freed
  std::array<Need, 2> needs_;       ///< of the two newest durable checkpoints
  std::uint64_t generation_ = 0;
  std::uint64_t written_since_checkpoint_ = 0;
};

}  // namespace postrider::store
