// SPDX-License-Identifier: MIT
// Group commit. Each batch goes to the aligned end of the current segment with one write and one
// flush; only then the index changes and the answers go out. After an error of either, the segment
// is sealed where the last good batch ended, and a seal record in the next one says so.
#include "store/segment_log.hpp"

#include <algorithm>
#include <utility>

namespace postrider::store {
namespace {

constexpr std::uint64_t kMostOctets = 8 << 20;
constexpr std::size_t kMostTransactions = 2048;
constexpr unsigned kFailuresTolerated = 1;

std::unexpected<Error> refuse(Errc code, std::string_view why) {
  return std::unexpected(Error{code, std::string(why)});
}

}  // namespace

Result<std::unique_ptr<SegmentLog>> SegmentLog::open(const LogOptions& options, FileSystem& files,
                                                     const LogTuning& tuning) {
  auto log = std::make_unique<SegmentLog>(options, files, tuning);
  auto recovered = log->spool_.open();
  if (!recovered) return std::unexpected(recovered.error());
  log->recovered_ = std::move(*recovered);
  log->newest_found_ = log->spool_.last_id;
  log->ids_.pass(log->newest_found_);
  log->open_ = true;
  log->refresh_space();
  log->tend();
  log->writer_ = std::make_unique<CommitWriter>(static_cast<CommitWriter::Work&>(*log),
                                                tuning.lazy_wait, tuning.manual);
  return log;
}

SegmentLog::SegmentLog(const LogOptions& options, FileSystem& files, const LogTuning& tuning)
    : spool_(files, options), compaction_(spool_, tuning.compaction_age), tuning_(tuning) {}

SegmentLog::~SegmentLog() {
  SegmentLog::close();
}

void SegmentLog::close() {
  if (!open_) return;
  open_ = false;
  writer_->close();
  (void)spool_.close();
}

Result<Recovered> SegmentLog::recover(std::function<void(Stored)> each) {
  recovered_.messages = 0;
  writer_->start();
  for (std::optional<MessageId> next = 0; next;) next = recover_from(*next, each);
  return recovered_;
}

// Some hundred messages. The writer goes on beside: it moves what it compacts, and frees what
// nobody holds.
std::optional<MessageId> SegmentLog::recover_from(MessageId first,
                                                  const std::function<void(Stored)>& each) {
  constexpr std::size_t kPiece = 512;
  struct Found {
    MessageId id;
    Entry entry;
    SegmentPtr put, state;
  };
  std::vector<Found> piece;
  std::optional<MessageId> next;
  {
    const std::lock_guard guard(spool_.mutex);
    next = spool_.index.walk(first, kPiece, [&](MessageId id, const Entry& entry) {
      if (id > newest_found_) return false;
      piece.push_back(
          {id, entry, spool_.segment(entry.put.segment), spool_.segment(entry.state.segment)});
      return true;
    });
  }
  ReadWindows windows;
  for (const auto& [id, entry, put, state] : piece) {
    auto text = Spool::text(entry, put, state, windows);
    if (text && text->state_error && text->state_error->code != Errc::corrupt)
      text = std::unexpected(*text->state_error);
    if (!text) {
      set_aside(id, entry, text.error());
      continue;
    }
    if (text->state_error) note_damage(id, "its state: " + text->state_error->detail);
    ++recovered_.messages;
    each({id, std::move(text->envelope), std::move(text->state), entry.body});
  }
  return next && *next <= newest_found_ ? next : std::nullopt;
}

// What cannot be copied stays in the log, and is found again at the next start; likewise what
// cannot be read now, for a disk may come to itself.
void SegmentLog::set_aside(MessageId id, const Entry& entry, const Error& error) {
  if (error.code != Errc::corrupt) {
    recovered_.notes.push_back("message " + id_text(id) +
                               " cannot be read now, it waits for the next start: " + error.detail);
    return;
  }
  note_damage(id, error.detail);
  if (!spool_.set_aside_message(id, entry, error.detail)) return;
  Transaction gone;
  gone.remove.push_back({id});
  commit(std::move(gone), Durability::lazy, [](const Result<void>&) {});
}

void SegmentLog::note_damage(MessageId id, const std::string& why) {
  ++recovered_.damaged;
  recovered_.notes.push_back("message " + id_text(id) + ": " + why);
}

bool SegmentLog::admits(std::uint64_t size) const noexcept {
  return accepting_ && free_space_ >= spool_.options.minimum_free + size;
}

Result<std::unique_ptr<BodyWriter>> SegmentLog::new_body(MessageId id) {
  return spool_.large_bodies.create(id);
}

void SegmentLog::commit(Transaction transaction, Durability durability, Done done) {
  writer_->submit({std::move(transaction), durability, std::move(done)});
}

Stats SegmentLog::stats() const {
  Stats stats;
  stats.accepting = accepting_;
  stats.commits = commits_;
  stats.flushes = flushes_;
  stats.damaged = spool_.quarantine.since_start();
  stats.set_aside = spool_.quarantine.list();
  const std::lock_guard guard(spool_.mutex);
  stats.trouble = trouble_;
  stats.messages = spool_.index.size();
  stats.bytes = spool_.index.bytes();
  stats.segments = spool_.segments.size();
  return stats;
}

void SegmentLog::write(std::vector<Pending>& pending) {
  for (std::size_t next = 0; next < pending.size();) next = write_batch(pending, next);
}

bool SegmentLog::exists(MessageId id) const {
  const auto touched = touched_.find(id);
  return touched != touched_.end() ? touched->second : spool_.index.find(id).has_value();
}

Result<void> SegmentLog::check(const Transaction& transaction) const {
  for (const Add& add : transaction.add) {
    if (!add.body || add.envelope.size() > kTextLimit || add.state.size() > kTextLimit) {
      return refuse(Errc::io, "a message without a body, or with too long a text");
    }
    if (exists(add.id)) return refuse(Errc::io, "the id is in use");
  }
  for (const Update& update : transaction.update) {
    if (!exists(update.id)) return refuse(Errc::not_found, "no such message");
    if (update.state.size() > kTextLimit) return refuse(Errc::io, "too long a state");
  }
  for (const Remove& remove : transaction.remove) {
    if (!exists(remove.id)) return refuse(Errc::not_found, "no such message");
  }
  return {};
}

// Begins a batch with room for `size` octets. Mail may not take the last segment. First of all it
// says what failed: without that, nothing that follows may be durable.
Result<void> SegmentLog::make_room(std::uint64_t size, bool mail) {
  size += seals_.size() * kHeaderSize;
  if (round_up(size) > spool_.options.segment_size - kBlock) {
    return refuse(Errc::io, "the transaction is larger than a segment");
  }
  if (mail) {
    if (auto reserve = spool_.check_reserve(); !reserve) return reserve;
  }
  const auto fits = [&] {
    return spool_.current && spool_.current->tail + round_up(size) <= spool_.options.segment_size;
  };
  if (!fits()) {
    if (auto rotated = spool_.rotate(mail); !rotated) return rotated;
  }
  batch_.begin(spool_.current->number, spool_.current->salt, spool_.next_batch,
               spool_.current->tail);
  for (const auto& [seal, offset] : seals_) batch_.append(seal, {}, {}, {});
  return {};
}

Result<void> SegmentLog::place(const Transaction& transaction, std::vector<PlacedBody>& bodies) {
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    auto placed = spool_.large_bodies.place(transaction.add[i], bodies[i]);
    if (placed) {
      names_to_sync_ = names_to_sync_ || bodies[i].file;
      continue;
    }
    for (std::size_t made = 0; made < i; ++made) {
      if (bodies[made].file) spool_.large_bodies.drop(transaction.add[made]);
    }
    return placed;
  }
  return {};
}

void SegmentLog::take(Pending& pending, std::vector<PlacedBody>& bodies) {
  const Transaction& transaction = pending.transaction;
  batch_.append(transaction, bodies);
  waiting_.push_back(&pending);
  for (const Add& add : transaction.add) touched_[add.id] = true;
  for (const Remove& remove : transaction.remove) touched_[remove.id] = false;
  std::ranges::move(bodies, std::back_inserter(holders_));
}

// Gathers transactions from `next` on, writes them and answers. Returns the first one left over.
std::size_t SegmentLog::write_batch(std::vector<Pending>& pending, std::size_t next) {
  waiting_.clear();
  holders_.clear();
  touched_.clear();
  names_to_sync_ = false;
  batch_.begin(0, 0, 0, 0);
  std::vector<PlacedBody> bodies;
  for (; next < pending.size() && waiting_.size() < kMostTransactions; ++next) {
    Pending& one = pending[next];
    const Transaction& transaction = one.transaction;
    auto good = check(transaction);
    bodies.clear();
    if (good) {
      for (const Add& add : transaction.add) bodies.push_back(spool_.large_bodies.plan(add));
      const std::uint64_t size = encoded_size(transaction, bodies);
      if (batch_.empty()) {
        good = make_room(size, !transaction.add.empty());
        if (!good && good.error().code == Errc::no_space) set_trouble(good.error().detail);
      } else {
        const std::uint64_t after = batch_.size() + size;
        const bool refill = !transaction.add.empty() && !spool_.check_reserve();
        if (refill || after > kMostOctets ||
            batch_.offset() + round_up(after) > spool_.options.segment_size) {
          break;
        }
      }
    }
    if (good) good = place(transaction, bodies);
    if (good) {
      take(one, bodies);
    } else {
      one.done(std::move(good));
    }
  }
  if (waiting_.empty()) return next;
  if (auto flushed = flush(); !flushed) {
    fail(flushed.error());
    return next;
  }
  apply();
  for (Pending* one : waiting_) one->done({});
  return next;
}

Result<void> SegmentLog::flush() {
  if (names_to_sync_) {
    // Before the record: a message must never name a file that is not there.
    if (auto synced = spool_.large_bodies.sync_names(); !synced) return synced;
  }
  File& file = *spool_.current->file;
  if (auto written = file.write(batch_.offset(), batch_.pieces()); !written) return written;
  return file.sync();
}

void SegmentLog::apply() {
  failures_ = 0;
  seals_.clear();
  spool_.current->tail += round_up(batch_.size());
  if (!batch_.empty()) ++spool_.next_batch;
  ++flushes_;
  commits_ += waiting_.size();
  std::vector<MessageId> files;
  {
    const std::lock_guard guard(spool_.mutex);
    for (const auto& [record, offset] : batch_.records()) {
      const Position position{record.segment, offset};
      if (record.type == RecordType::update) {
        spool_.index.set_state(record.id, position, record.size());
      } else if (record.type == RecordType::done) {
        const auto entry = spool_.index.find(record.id);
        if (entry && entry->file) files.push_back(record.id);
        spool_.index.erase(record.id);
      } else if (record.type != RecordType::seal) {
        spool_.index.put(record.id, entry_of(record, position));
        spool_.last_id = std::max(spool_.last_id, record.id);
      }
    }
  }
  for (Pending* one : waiting_) std::ranges::for_each(one->transaction.add, LargeBodies::keep);
  for (const MessageId id : files) spool_.large_bodies.remove(id);
}

void SegmentLog::fail(const Error& error) {
  Record seal;
  seal.type = RecordType::seal;
  seal.id = spool_.current->number;
  seal.body = batch_.offset();
  seals_.push_back({seal, 0});
  spool_.seal_current();
  if (++failures_ > kFailuresTolerated) set_trouble(error.detail);
  const auto failed = std::exchange(waiting_, {});
  settle();
  // Before the seal is durable a record of theirs may still count, and must find its file.
  std::size_t holder = 0;
  for (Pending* one : failed) {
    for (const Add& add : one->transaction.add) {
      if (holders_[holder++].file && seals_.empty()) spool_.large_bodies.drop(add);
    }
  }
  for (Pending* one : failed) one->done(std::unexpected(error));
}

// Says in the next segment that the failed batches count for nothing, if no commit does.
void SegmentLog::settle() {
  waiting_.clear();
  names_to_sync_ = false;
  if (auto room = make_room(0, false); !room) {
    set_trouble(room.error().detail);
    return;
  }
  if (auto flushed = flush(); !flushed) {
    ++failures_;
    Record seal = seals_.back().record;
    seal.id = spool_.current->number;
    seal.body = batch_.offset();
    seals_.push_back({seal, 0});
    spool_.seal_current();
    set_trouble(flushed.error().detail);
    return;
  }
  apply();
}

void SegmentLog::set_trouble(std::string detail) {
  accepting_ = false;
  const std::lock_guard guard(spool_.mutex);
  trouble_ = std::move(detail);
}

void SegmentLog::refresh_space() {
  space_checked_ = Clock::now();
  if (const auto free = spool_.files.free_space(spool_.options.folder)) free_space_ = *free;
}

// A small piece of each kind of work that there is: so much a commit may have to wait for.
bool SegmentLog::tend() {
  const auto now = Clock::now();
  if (now - space_checked_ >= tuning_.retry) {
    refresh_space();
    if (free_space_ < spool_.options.minimum_free) {
      spool_.give_back();
      refresh_space();
    }
  }
  if (struggling_ && now - tried_ < tuning_.retry) return false;
  tried_ = now;
  if (!seals_.empty()) settle();
  const auto ahead = spool_.prepare_ahead();
  struggling_ = !ahead || !seals_.empty();
  if (!ahead) {
    if (!spool_.check_reserve()) set_trouble(ahead.error().detail);
    return false;
  }
  if (seals_.empty() && !accepting_) {
    accepting_ = true;
    const std::lock_guard guard(spool_.mutex);
    trouble_.clear();
  }
  const bool checkpointing = spool_.tend_checkpoint(tuning_.slice);
  return compaction_.step() || checkpointing;
}

Result<std::unique_ptr<Store>> open_log_store(const LogOptions& options, FileSystem& files) {
  LogTuning tuning;
  // Young segments empty themselves. Small ones fill, and so age, sooner: a second for each MiB.
  tuning.compaction_age =
      std::chrono::seconds(std::max<std::uint64_t>(options.segment_size >> 20, 1));
  return SegmentLog::open(options, files, tuning);
}

Result<std::unique_ptr<Store>> open_log_store(const LogOptions& options) {
  return open_log_store(options, posix_file_system());
}

}  // namespace postrider::store
