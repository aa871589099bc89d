// SPDX-License-Identifier: MIT
// The durable store: a segmented log with group commit (docs/decisions/0003-segmented-log.md).
// This is the writer's work: gather transactions into a batch, write it, flush it, answer.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <unordered_map>
#include <vector>

#include "store/batch.hpp"
#include "store/commit_writer.hpp"
#include "store/compaction.hpp"
#include "store/id_source.hpp"
#include "store/spool.hpp"

namespace postrider::store {

/// What only tests change.
struct LogTuning {
  bool manual = false;  ///< no thread: drive() writes what is queued
  std::chrono::milliseconds lazy_wait{20};
  std::chrono::milliseconds compaction_age{60'000};
  std::chrono::milliseconds retry{1000};  ///< between attempts to get out of trouble
  std::size_t slice = 8192;  ///< messages of a checkpoint that are written between two batches
};

class SegmentLog final : public Store, private CommitWriter::Work {
 public:
  static Result<std::unique_ptr<SegmentLog>> open(const LogOptions& options, FileSystem& files,
                                                  const LogTuning& tuning);
  SegmentLog(const LogOptions& options, FileSystem& files, const LogTuning& tuning);
  SegmentLog(const SegmentLog&) = delete;
  SegmentLog& operator=(const SegmentLog&) = delete;
  ~SegmentLog() override;

  Result<Recovered> recover(std::function<void(Stored)> each) override;
  MessageId new_id() override { return ids_.next(); }
  bool admits(std::uint64_t size) const noexcept override;
  Result<std::unique_ptr<BodyWriter>> new_body(MessageId id) override;
  std::uint64_t large_body_size() const noexcept override { return spool_.options.large_body; }
  void commit(Transaction transaction, Durability durability, Done done) override;
  Result<BodyPtr> body(MessageId id) const override { return spool_.body(id); }
  Result<Stored> load(MessageId id) const override { return spool_.load(id); }
  Stats stats() const override;
  void close() override;

  /// One round of the writer, in this thread. Only with LogTuning::manual.
  void drive() { writer_->drive(); }

 private:
  using Clock = std::chrono::steady_clock;

  std::optional<MessageId> recover_from(MessageId first, const std::function<void(Stored)>& each);
  void set_aside(MessageId id, const Entry& entry, const Error& error);
  void note_damage(MessageId id, const std::string& why);
  void write(std::vector<Pending>& pending) override;
  bool tend() override;
  std::size_t write_batch(std::vector<Pending>& pending, std::size_t next);
  Result<void> check(const Transaction& transaction) const;
  bool exists(MessageId id) const;
  Result<void> make_room(std::uint64_t size, bool mail);
  Result<void> place(const Transaction& transaction, std::vector<PlacedBody>& bodies);
  void take(Pending& pending, std::vector<PlacedBody>& bodies);
  Result<void> flush();
  void apply();
  void fail(const Error& error);
  void settle();
  void refresh_space();
  void set_trouble(std::string detail);

  Spool spool_;
  Compaction compaction_;
  LogTuning tuning_;
  IdSource ids_;
  Recovered recovered_;
  MessageId newest_found_ = 0;  ///< when the store was opened
  Batch batch_;
  std::vector<Pending*> waiting_;  ///< whose records are in batch_
  std::vector<PlacedBody> holders_;
  std::unordered_map<MessageId, bool> touched_;  ///< in batch_: is it there afterwards?
  bool names_to_sync_ = false;
  std::vector<Batch::Placed> seals_;  ///< to be written first: what failed and counts for nothing
  unsigned failures_ = 0;             ///< in a row
  Clock::time_point space_checked_;
  Clock::time_point tried_;
  bool struggling_ = false;  ///< the last attempt to be ready for more failed
  std::atomic<std::uint64_t> free_space_{0};
  std::atomic<bool> accepting_{true};
  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> flushes_{0};
  std::string trouble_;  ///< guarded by spool_.mutex
  bool open_ = false;
  std::unique_ptr<CommitWriter> writer_;
};

}  // namespace postrider::store
