// SPDX-License-Identifier: MIT
// Opening, reading, rotating, checkpointing and freeing. A segment is freed only when neither of
// the two newest checkpoints needs it, nothing in it lives and nobody reads it.
#include "store/spool.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "store/crc32c.hpp"

namespace postrider::store {
namespace {

constexpr std::size_t kAhead = 3;  // two to rotate into, one for completions on a full disk
constexpr std::uint64_t kCheckpointLine = 155;

std::unexpected<Error> damaged(const Segment& segment, std::uint64_t offset) {
  return std::unexpected(
      Error{Errc::corrupt,
            fmt::format("segment {:08x}: the record at {} is damaged", segment.number, offset)});
}

// Header, envelope and state of the record at `offset`: the text read, the record in `record`.
Result<std::string> read_text(const Segment& segment, std::uint64_t offset, std::uint64_t size,
                              Record& record) {
  std::string text(size, '\0');
  const auto count = segment.file->read(offset, text.data(), text.size());
  if (!count) return std::unexpected(count.error());
  auto parsed = parse_header(text, segment.salt);
  if (!parsed) parsed = parse_header(text, inner_salt(segment.salt));
  if (*count != size || !parsed || kHeaderSize + parsed->text_size() != size ||
      crc32c(std::string_view(text).substr(kHeaderSize)) != parsed->text_crc) {
    return damaged(segment, offset);
  }
  record = *parsed;
  return text;
}

}  // namespace

Spool::Spool(FileSystem& file_system, const LogOptions& log_options)
    : files(file_system),
      options(log_options),
      large_bodies(file_system, log_options.folder + "/big", log_options.large_body),
      corrupt_(log_options.folder + "/corrupt"),
      log_(file_system, log_options.folder + "/log", log_options.segment_size,
           log_options.spare_segments),
      checkpoints_(file_system, log_options.folder) {}

Result<void> Spool::make_folders() {
  for (const char* name : {"/log", "/big", "/corrupt"}) {
    if (auto made = files.make_folder(options.folder + name); !made) return made;
  }
  if (auto synced = files.sync_folder(options.folder); !synced) return synced;
  const auto slash = options.folder.rfind('/');
  if (slash == std::string::npos) return files.sync_folder(".");
  return files.sync_folder(slash == 0 ? "/" : options.folder.substr(0, slash));
}

Result<Recovered> Spool::open() {
  if (auto made = files.make_folder(options.folder); !made) return std::unexpected(made.error());
  auto lock = files.lock(options.folder + "/LOCK");
  if (!lock) return std::unexpected(lock.error());
  auto loaded = checkpoints_.load();
  if (!loaded) return std::unexpected(loaded.error());
  const std::string pid = fmt::format("{:<20}\n", ::getpid());
  const std::array<std::string_view, 1> pieces{pid};
  // Only a courtesy to a second daemon: a full disk must not keep the first one from starting.
  (void)(*lock)->write(0, pieces);
  lock_ = std::move(*lock);
  if (!loaded->newest) {
    if (auto made = make_folders(); !made) return std::unexpected(made.error());
  }
  auto replayed = replay_log(files, log_, corrupt_, *loaded);
  if (!replayed) return std::unexpected(replayed.error());
  if (auto started = start(*loaded, *replayed); !started) return std::unexpected(started.error());
  return std::move(replayed->report);
}

// Nothing is freed and nothing new relied on before the new checkpoint is durable.
Result<void> Spool::start(const CheckpointFiles::Loaded& loaded, Replayed& replayed) {
  index = std::move(replayed.index);
  segments = std::move(replayed.segments);
  next_batch = replayed.next_batch;
  last_id = replayed.last_id;
  const auto need = [](const std::optional<Checkpoint>& checkpoint) {
    Need of;
    if (!checkpoint) return of;
    of.replay_from = checkpoint->replay_from;
    for (const auto& [number, salt] : checkpoint->salts) of.listed.insert(number);
    return of;
  };
  needs_ = {need(loaded.newest), need(loaded.former)};
  generation_ = loaded.newest ? loaded.newest->generation : 0;
  if (auto written = checkpoint(); !written) {
    // A full disk: serve what is there. Nothing is freed until a checkpoint succeeds.
    replayed.report.notes.push_back(written.error().detail);
    if (!loaded.newest) return written;
    return {};
  }
  remove_orphans(replayed.report);
  for (const std::uint32_t number : replayed.unused) log_.retire(number);
  return {};
}

void Spool::remove_orphans(Recovered& report) {
  const auto ids = large_bodies.list();
  if (!ids) return;
  for (const MessageId id : *ids) {
    const Entry* entry = index.find(id);
    if (entry == nullptr || !entry->file) large_bodies.remove(id);
  }
  std::vector<MessageId> lost;
  for (const auto& [id, entry] : index.entries()) {
    if (entry.file && !std::ranges::binary_search(*ids, id)) lost.push_back(id);
  }
  for (const MessageId id : lost) {
    const Entry entry = *index.find(id);
    if (const auto put = segment(entry.put.segment)) set_aside_message(id, entry, *put);
    index.erase(id);
    ++report.damaged;
    report.notes.push_back(fmt::format("message {:016x}: its file in big/ is missing", id));
  }
}

SegmentPtr Spool::segment(std::uint32_t number) const {
  const auto found = segments.find(number);
  return found == segments.end() ? nullptr : found->second;
}

Result<LogMessage> Spool::text(const Entry& entry) const {
  return text(entry, segment(entry.put.segment), segment(entry.state.segment));
}

Result<Stored> Spool::load(MessageId id) const {
  Entry entry;
  SegmentPtr put;
  SegmentPtr newer;
  {
    const std::lock_guard guard(mutex);
    const Entry* found = index.find(id);
    if (found == nullptr) return std::unexpected(Error{Errc::not_found, "no such message"});
    entry = *found;
    put = segment(entry.put.segment);
    newer = segment(entry.state.segment);
  }
  auto read = text(entry, put, newer);
  if (!read) return std::unexpected(read.error());
  return Stored{id, std::move(read->envelope), std::move(read->state), entry.body};
}

Result<LogMessage> Spool::text(const Entry& entry, const SegmentPtr& put, const SegmentPtr& newer) {
  if (!put || !newer) return std::unexpected(Error{Errc::corrupt, "the segment is missing"});
  Record record;
  auto text = read_text(*put, entry.put.offset, entry.text_size(), record);
  if (!text) return std::unexpected(text.error());
  LogMessage message;
  message.envelope = text->substr(kHeaderSize, record.envelope);
  if (entry.state_size != 0) {
    text = read_text(*newer, entry.state.offset, entry.state_size, record);
    if (!text) return std::unexpected(text.error());
  }
  message.state = text->substr(kHeaderSize + record.envelope + 1, record.state);
  return message;
}

Result<BodyPtr> Spool::body(MessageId id) const {
  Entry entry;
  SegmentPtr put;
  {
    const std::lock_guard guard(mutex);
    const Entry* found = index.find(id);
    if (found == nullptr) return std::unexpected(Error{Errc::not_found, "no such message"});
    entry = *found;
    put = segment(entry.put.segment);
  }
  if (entry.file) return large_bodies.open(id, entry.body);
  if (!put) return std::unexpected(Error{Errc::corrupt, "the segment is missing"});
  Record record;
  if (auto text = read_text(*put, entry.put.offset, entry.text_size(), record); !text) {
    return std::unexpected(text.error());
  }
  std::string octets(entry.body, '\0');
  const std::uint64_t offset = entry.put.offset + entry.text_size();
  const auto count = put->file->read(offset, octets.data(), octets.size());
  if (!count) return std::unexpected(count.error());
  if (*count != octets.size() || crc32c(octets) != record.body_crc) {
    set_aside_message(id, entry, *put);
    return damaged(*put, entry.put.offset);
  }
  return make_memory_body(std::move(octets));
}

void Spool::set_aside_message(MessageId id, const Entry& entry, const Segment& put) const {
  std::string octets(entry.put_size, '\0');
  const auto count = put.file->read(entry.put.offset, octets.data(), octets.size());
  octets.resize(count.value_or(0));
  set_aside(files, corrupt_, fmt::format("{:016x}.record", id), octets);
}

Result<void> Spool::prepare_one() {
  auto made = log_.prepare();
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

Result<void> Spool::checkpoint() {
  Need need;
  need.replay_from = log_.next_number();
  if (!prepared_.empty()) need.replay_from = prepared_.front()->number;
  if (current) need.replay_from = current->number;
  std::map<std::uint32_t, std::uint64_t> salts;
  for (const auto& [number, octets] : index.live_segments()) {
    const SegmentPtr live = segment(number);
    if (!live) continue;
    salts[number] = live->salt;
    need.listed.insert(number);
  }
  const std::string text =
      format_checkpoint(generation_ + 1, need.replay_from, next_batch, last_id, salts, index);
  if (auto written = checkpoints_.write(text); !written) return written;
  ++generation_;
  needs_[1] = std::exchange(needs_[0], std::move(need));
  written_since_checkpoint_ = 0;
  free_dead();
  return {};
}

void Spool::checkpoint_if_due() {
  const std::uint64_t cost = index.entries().size() * kCheckpointLine;
  if (written_since_checkpoint_ > 0 && written_since_checkpoint_ >= 2 * cost) (void)checkpoint();
}

/// Mail is refused for want of space, so nothing is written that would make a checkpoint due: free
/// what is dead all the same, or the refusal would never end.
void Spool::give_back() {
  for (int round = 0; round < 2 && any_dead(); ++round)
    if (!checkpoint()) break;
  log_.drop_spares();
}

bool Spool::any_dead() const {
  return std::ranges::any_of(segments, [this](const auto& named) {
    return index.live(named.first) == 0 && !is_open_for_writing(named.first);
  });
}

void Spool::free_dead() {
  std::vector<std::uint32_t> dead;
  {
    const std::lock_guard guard(mutex);
    for (const auto& [number, segment] : segments) {
      const bool wanted = index.live(number) != 0 || is_open_for_writing(number) ||
                          needs_[0].has(number) || needs_[1].has(number);
      if (!wanted && segment.use_count() == 1) dead.push_back(number);
    }
    for (const std::uint32_t number : dead) segments.erase(number);
  }
  for (const std::uint32_t number : dead) log_.retire(number);
}

}  // namespace postrider::store
