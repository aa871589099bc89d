// SPDX-License-Identifier: MIT
// Opening, reading, setting aside, rotating.
#include "store/spool.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "store/crc32c.hpp"

namespace postrider::store {
namespace {

constexpr std::size_t kAhead = 3;  // two to rotate into, one for completions on a full disk
constexpr std::uint64_t kGreatestSegment = 1ull << 32;  // what the index can point into

std::unexpected<Error> damaged(const Segment& segment, std::uint64_t offset) {
  return std::unexpected(
      Error{Errc::corrupt,
            fmt::format("segment {:08x}: the record at {} is damaged", segment.number, offset)});
}

// Header, envelope and state of the record at `offset`, valid as long as the window's octets; the
// header in `record`.
Result<std::string_view> read_text(ReadWindow& window, const Segment& segment, std::uint64_t offset,
                                   std::uint64_t size, Record& record) {
  const auto text = window.read(segment, offset, size);
  if (!text) return text;
  auto parsed = parse_header(*text, segment.salt);
  if (!parsed) parsed = parse_header(*text, inner_salt(segment.salt));
  if (text->size() != size || !parsed || kHeaderSize + parsed->text_size() != size ||
      crc32c(text->substr(kHeaderSize)) != parsed->text_crc) {
    return damaged(segment, offset);
  }
  record = *parsed;
  return text;
}

}  // namespace

Result<std::string_view> ReadWindow::read(const Segment& segment, std::uint64_t offset,
                                          std::uint64_t size) {
  const bool inside =
      segment_ == &segment && offset >= offset_ && offset + size <= offset_ + octets_.size();
  if (!inside) {
    segment_ = nullptr;
    octets_.resize(std::max(size, ahead_));
    const auto count = segment.file->read(offset, octets_.data(), octets_.size());
    if (!count) return std::unexpected(count.error());
    octets_.resize(*count);
    segment_ = &segment;
    offset_ = offset;
  }
  return std::string_view(octets_).substr(offset - offset_, size);
}

Spool::Spool(FileSystem& file_system, const LogOptions& log_options, Purpose purpose)
    : files(file_system),
      options(log_options),
      quarantine(file_system, log_options.folder + "/corrupt", purpose == Purpose::look),
      large_bodies(file_system, log_options.folder + "/big", log_options.large_body, quarantine),
      unreadable_(purpose == Purpose::serve ? Unreadable::is_error : Unreadable::is_zeros),
      log_(file_system, log_options.folder + "/log", log_options.segment_size,
           log_options.spare_segments),
      checkpoints_(file_system, log_options.folder),
      writer_(checkpoints_, index, [this](std::uint32_t number) -> std::optional<std::uint64_t> {
        const SegmentPtr found = segment(number);
        if (!found) return std::nullopt;
        return found->salt;
      }) {}

Result<void> Spool::make_folders() {
  for (const char* name : {"/log", "/big", "/corrupt"}) {
    if (auto made = files.make_folder(options.folder + name); !made) return made;
  }
  if (generation_ != 0) return {};
  if (auto synced = files.sync_folder(options.folder); !synced) return synced;
  const auto slash = options.folder.rfind('/');
  if (slash == std::string::npos) return files.sync_folder(".");
  return files.sync_folder(slash == 0 ? "/" : options.folder.substr(0, slash));
}

Result<Recovered> Spool::open() {
  if (options.segment_size >= kGreatestSegment) {
    return std::unexpected(Error{Errc::io, "a segment must be smaller than 4 GiB"});
  }
  if (auto made = files.make_folder(options.folder); !made) return std::unexpected(made.error());
  auto lock = files.lock(options.folder + "/LOCK");
  if (!lock) return std::unexpected(lock.error());
  auto loaded = checkpoints_.load();
  if (!loaded) return std::unexpected(loaded.error());
  lock_ = std::move(*lock);
  generation_ = loaded->newest ? loaded->newest->generation : 0;
  if (auto made = make_folders(); !made) return std::unexpected(made.error());
  quarantine.load();
  auto replayed = replay_log(files, log_, quarantine, *loaded, unreadable_);
  if (!replayed) return std::unexpected(replayed.error());
  const std::string pid = fmt::format("{:<20}\n", ::getpid());
  const std::array<std::string_view, 1> pieces{pid};
  // Only a courtesy to a second daemon: a full disk must not keep the first one from starting.
  (void)lock_->write(0, pieces);
  if (auto started = start(*loaded, *replayed); !started) return std::unexpected(started.error());
  return std::move(replayed->report);
}

Result<Recovered> Spool::look() {
  auto lock = files.lock(options.folder + "/LOCK");
  if (!lock) return std::unexpected(lock.error());
  auto loaded = checkpoints_.load();
  if (!loaded) return std::unexpected(loaded.error());
  lock_ = std::move(*lock);
  quarantine.load();
  auto replayed = replay_log(files, log_, quarantine, *loaded, unreadable_);
  if (!replayed) return std::unexpected(replayed.error());
  take(*replayed);
  remove_orphans(replayed->report, loaded->newest.has_value());
  return std::move(replayed->report);
}

void Spool::take(Replayed& replayed) {
  index = std::move(replayed.index);
  segments = std::move(replayed.segments);
  next_batch = replayed.next_batch;
  last_id = replayed.last_id;
}

// Nothing is freed and nothing new relied on before what was found is durable: by a new checkpoint
// if the log behind the last one has holes, which must not look like damage next time; otherwise
// the next replay finds the same, once what was read is flushed. (A process that was killed leaves
// octets in the page cache that no flush ever covered.)
Result<void> Spool::start(const CheckpointFiles::Loaded& loaded, Replayed& replayed) {
  take(replayed);
  const auto need = [](const std::optional<Checkpoint>& checkpoint) {
    Need of;
    if (!checkpoint) return of;
    of.replay_from = checkpoint->replay_from;
    for (const auto& [number, salt] : checkpoint->salts) of.listed.insert(number);
    return of;
  };
  needs_ = {need(loaded.newest), need(loaded.former)};
  written_since_checkpoint_ = replayed.replayed;
  const std::uint32_t replay_from = needs_[0].replay_from;
  if (auto synced = sync_found(); !synced) return synced;
  Recovered& report = replayed.report;
  if (!loaded.newest || report.torn != 0 || report.damaged != 0) {
    if (auto written = checkpoint(); !written) {
      // A full disk: serve what is there. Nothing is freed until a checkpoint succeeds.
      report.notes.push_back(written.error().detail);
      if (!loaded.newest) return written;
      return {};
    }
  }
  remove_orphans(report, loaded.newest.has_value());
  for (const std::uint32_t number : replayed.unused) log_.retire(number);
  trim_replayed(replay_from);
  return {};
}

Result<void> Spool::sync_found() {
  for (const auto& [number, segment] : segments) {
    if (number < needs_[0].replay_from) continue;
    if (auto synced = segment->file->sync(); !synced) return synced;
  }
  return checkpoints_.sync();
}

// Nothing is written to them again: a start after a crash gives back what the last one had left.
void Spool::trim_replayed(std::uint32_t replay_from) {
  for (const auto& [number, segment] : segments) {
    if (number >= replay_from && !is_open_for_writing(number))
      (void)segment->file->trim(segment->tail);
  }
}

// A body without a record was never acknowledged and goes, unless its record may be among what was
// damaged.
void Spool::remove_orphans(Recovered& report, bool removals_known) {
  const auto found = large_bodies.list();
  if (!found) return;
  for (const std::string& name : found->foreign) {
    report.notes.push_back(fmt::format("{}/big/{} is not ours: left alone", options.folder, name));
  }
  for (const MessageId id : found->ids) {
    const auto entry = index.find(id);
    if (entry && entry->file) continue;
    const bool kept = report.damaged != 0 || !removals_known;
    if (!kept) {
      large_bodies.remove(id);
    } else if (quarantine.move(large_bodies.path(id), id_text(id) + ".eml",
                               "a body that no record names any more")) {
      report.notes.push_back(fmt::format("the body of message {} is without a record, moved to {}",
                                         id_text(id), quarantine.folder()));
    }
  }
  set_lost_files_aside(found->ids, report, removals_known);
}

void Spool::set_lost_files_aside(const std::vector<MessageId>& present, Recovered& report,
                                 bool removals_known) {
  std::vector<MessageId> lost;
  index.for_each([&](MessageId id, const Entry& entry) {
    if (entry.file && !std::ranges::binary_search(present, id)) lost.push_back(id);
  });
  for (const MessageId id : lost) {
    if (!removals_known) {  // it was removed, and nobody remembers
      index.erase(id);
      continue;
    }
    const std::string why = large_bodies.path(id) + " is missing";
    if (set_aside_message(id, *index.find(id), why)) index.erase(id);
    ++report.damaged;
    report.notes.push_back(fmt::format("message {}: {}", id_text(id), why));
  }
}

SegmentPtr Spool::segment(std::uint32_t number) const {
  const auto found = segments.find(number);
  return found == segments.end() ? nullptr : found->second;
}

Result<LogMessage> Spool::text(const Entry& entry, ReadWindows& windows) const {
  return text(entry, segment(entry.put.segment), segment(entry.state.segment), windows);
}

Result<Stored> Spool::load(MessageId id) const {
  Entry entry;
  SegmentPtr put;
  SegmentPtr newer;
  {
    const std::lock_guard guard(mutex);
    const auto found = index.find(id);
    if (!found) return std::unexpected(Error{Errc::not_found, "no such message"});
    entry = *found;
    put = segment(entry.put.segment);
    newer = segment(entry.state.segment);
  }
  ReadWindows windows{ReadWindow(0), ReadWindow(0)};
  auto read = text(entry, put, newer, windows);
  if (!read && read.error().code == Errc::corrupt) {
    (void)set_aside_message(id, entry, read.error().detail);
  }
  if (!read) return std::unexpected(read.error());
  return Stored{id, std::move(read->envelope), std::move(read->state), entry.body};
}

// A newer state that cannot be read is an error of its own: the envelope is still good.
Result<LogMessage> Spool::text(const Entry& entry, const SegmentPtr& put, const SegmentPtr& newer,
                               ReadWindows& windows) {
  if (!put) return std::unexpected(Error{Errc::corrupt, "its segment is missing"});
  Record record;
  auto text = read_text(windows.puts, *put, entry.put.offset, entry.text_size(), record);
  if (!text) return std::unexpected(text.error());
  LogMessage message;
  message.envelope = text->substr(kHeaderSize, record.envelope);
  message.body_crc = record.body_crc;
  if (entry.state_size == 0) {
    message.state = text->substr(kHeaderSize + record.envelope + 1, record.state);
    return message;
  }
  text = newer ? read_text(windows.states, *newer, entry.state.offset, entry.state_size, record)
               : std::unexpected(Error{Errc::corrupt, "the segment of its state is missing"});
  if (text) {
    message.state = text->substr(kHeaderSize + record.envelope + 1, record.state);
  } else {
    message.state_error = text.error();
  }
  return message;
}

Result<BodyPtr> Spool::body(MessageId id) const {
  Entry entry;
  SegmentPtr put;
  {
    const std::lock_guard guard(mutex);
    const auto found = index.find(id);
    if (!found) return std::unexpected(Error{Errc::not_found, "no such message"});
    entry = *found;
    put = segment(entry.put.segment);
  }
  if (!put) return std::unexpected(Error{Errc::corrupt, "its segment is missing"});
  auto body = read_body(id, entry, *put);
  if (!body && body.error().code == Errc::corrupt) {
    (void)set_aside_message(id, entry, body.error().detail);
  }
  return body;
}

Result<BodyPtr> Spool::read_body(MessageId id, const Entry& entry, const Segment& put) const {
  // One read: header, texts and body.
  std::string octets(entry.put_size, '\0');
  const auto count = put.file->read(entry.put.offset, octets.data(), octets.size());
  if (!count) return std::unexpected(count.error());
  const std::string_view whole = std::string_view(octets).substr(0, *count);
  auto record = parse_header(whole, put.salt);
  if (!record) record = parse_header(whole, inner_salt(put.salt));
  if (!record || record->id != id || *count != octets.size()) {
    return damaged(put, entry.put.offset);
  }
  if (entry.file) return large_bodies.open(id, entry.body, record->body_crc);
  octets.erase(0, entry.text_size());
  octets.resize(entry.body);
  if (crc32c(octets) != record->body_crc) return damaged(put, entry.put.offset);
  return make_memory_body(std::move(octets));
}

bool Spool::set_aside_message(MessageId id, const Entry& entry, const std::string& why) const {
  SegmentPtr put;
  {
    const std::lock_guard guard(mutex);
    put = segment(entry.put.segment);
  }
  if (!put) return false;
  std::string octets(entry.put_size, '\0');
  const auto count = put->file->read(entry.put.offset, octets.data(), octets.size());
  if (!count) return false;
  octets.resize(*count);
  const std::string name = id_text(id);
  if (entry.file && !quarantine.link(large_bodies.path(id), name + ".eml", why)) return false;
  return quarantine.put(name + ".record", octets, why);
}

Result<void> Spool::prepare_one() {
  auto made = log_.prepare();
  if (!made && !dead_.empty()) {
    free_some(dead_.size());
    made = log_.prepare();
  }
  for (int round = 0; !made && round < 2 && any_dead(); ++round) {
    if (!checkpoint()) break;
    made = log_.prepare();
  }
  if (!made) return std::unexpected(made.error());
  const std::lock_guard guard(mutex);
  segments[(*made)->number] = *made;
  prepared_.push_back(std::move(*made));
  return {};
}

Result<void> Spool::prepare_ahead() {
  while (prepared_.size() < kAhead) {
    if (auto made = prepare_one(); !made) return made;
  }
  return {};
}

Result<void> Spool::check_reserve() {
  if (!prepared_.empty()) return {};
  return prepare_one();
}

Result<void> Spool::rotate(bool for_mail) {
  const std::size_t wanted = for_mail ? 2 : 1;
  while (prepared_.size() < wanted) {
    if (auto made = prepare_one(); !made) return made;
  }
  seal_current();
  current = std::move(prepared_.front());
  prepared_.pop_front();
  return {};
}

void Spool::seal_current() {
  if (!current) return;
  current->sealed = std::chrono::steady_clock::now();
  written_since_checkpoint_ += options.segment_size;
  current.reset();
}

SegmentPtr Spool::take_cold() {
  if (prepared_.size() < kAhead) return nullptr;
  SegmentPtr taken = std::move(prepared_.front());
  prepared_.pop_front();
  return taken;
}

bool Spool::is_open_for_writing(std::uint32_t number) const {
  const auto is = [number](const SegmentPtr& segment) {
    return segment && segment->number == number;
  };
  return is(current) || is(cold) || std::ranges::any_of(prepared_, is);
}

}  // namespace postrider::store
