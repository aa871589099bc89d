// SPDX-License-Identifier: MIT
// Recovery in three steps: open what counts, scan what the checkpoint does not cover, apply it in
// the order in which it was written.
#include "store/recovery.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace postrider::store {
namespace {

struct Scanned {
  SegmentPtr segment;
  Scan scan;
  std::uint64_t valid_end = ~0ull;  ///< a seal found later says: nothing from here on counts
};

class Recovery {
 public:
  Recovery(FileSystem& files, SegmentFolder& log, Quarantine& quarantine,
           CheckpointFiles::Loaded& checkpoints, Unreadable unreadable)
      : files_(files),
        log_(log),
        quarantine_(quarantine),
        checkpoints_(checkpoints),
        unreadable_(unreadable) {}

  Result<Replayed> run() {
    if (checkpoints_.newest) {
      base_ = &*checkpoints_.newest;
      out_.index = std::move(checkpoints_.newest->index);
      out_.next_batch = base_->next_batch;
      out_.last_id = base_->last_id;
      log_.pass(base_->replay_from - 1);
    }
    const auto found = log_.list();
    if (!found) return std::unexpected(found.error());
    for (const std::string& name : found->foreign) {
      note(fmt::format("{}/{} is not ours: left alone", log_.folder(), name));
    }
    for (const std::uint32_t number : found->segments) {
      if (auto opened = open(number); !opened) return std::unexpected(opened.error());
    }
    find_missing(found->segments);
    apply_seals();
    find_missing_batches();
    for (Scanned& scanned : scans_)
      if (auto told = report_holes(scanned); !told) return std::unexpected(told.error());
    if (base_ == nullptr) apply_copies();
    for (const Scanned& scanned : scans_) apply(scanned);
    out_.report.messages = out_.index.size();
    return std::move(out_);
  }

 private:
  bool listed(std::uint32_t number) const {
    return base_ != nullptr && base_->salts.contains(number);
  }
  bool replayed(std::uint32_t number) const {
    return base_ == nullptr || number >= base_->replay_from;
  }
  bool needed(std::uint32_t number) const {
    const auto& former = checkpoints_.former;
    return replayed(number) || listed(number) || (former && former->needs(number));
  }

  void note(std::string text) { out_.report.notes.push_back(std::move(text)); }

  Result<void> open(std::uint32_t number) {
    if (!needed(number)) return leave_or_move(number);
    std::optional<std::uint64_t> salt;
    if (listed(number)) salt = base_->salts.at(number);
    auto segment = log_.open(number, salt);
    if (!segment) return std::unexpected(segment.error());
    if (!*segment) return set_nameless_aside(number);
    if (!replayed(number)) {
      out_.segments[number] = *segment;
      return {};
    }
    return scan(*segment);
  }

  // Nothing of the queue is in it: to be used again, unless somebody else put it here.
  Result<void> leave_or_move(std::uint32_t number) {
    const auto ours = log_.begins_well(number);
    if (!ours) return std::unexpected(ours.error());
    if (*ours) {
      out_.unused.push_back(number);
    } else {
      move_segment(number, "is no segment");
    }
    return {};
  }

  void move_segment(std::uint32_t number, std::string_view why) {
    std::string reason = fmt::format("{} {}", log_.path(number), why);
    const std::string name = hex(number, 8) + ".log";
    const bool moved = quarantine_.move(log_.path(number), name, reason);
    ++out_.report.damaged;
    note(reason + (moved ? fmt::format(", moved to {}", quarantine_.folder()) : ", left alone"));
  }

  // Without block 0 there is no salt. Either it was never finished, and nothing followed it, or it
  // is damaged: then the operator gets the file.
  Result<void> set_nameless_aside(std::uint32_t number) {
    std::string start(16, '\0');
    auto file = files_.open(log_.path(number), OpenMode::read);
    if (!file) return std::unexpected(file.error());
    const auto count = (*file)->read(kBlock, start.data(), start.size());
    if (!count) return std::unexpected(count.error());
    if (!start.starts_with(kMagic) || start.find(hex(number, 8)) == std::string::npos) {
      return leave_or_move(number);
    }
    move_segment(number, "has a damaged block 0");
    return {};
  }

  Result<void> scan(const SegmentPtr& segment) {
    const auto octets = read_segment(*segment, unreadable_);
    if (!octets) return std::unexpected(octets.error());
    out_.replayed += octets->size();
    Scanned scanned{segment, scan_segment(*octets, segment->number, segment->salt)};
    const auto& records = scanned.scan.records;
    const bool anything = !records.empty() || std::ranges::any_of(scanned.scan.holes, &Hole::ours);
    if (!anything && !listed(segment->number)) {
      out_.unused.push_back(segment->number);
      return {};
    }
    for (const auto& [record, offset] : records) {
      last_batch_ = std::max(last_batch_, record.batch);
      if (record.type == RecordType::seal) seals_.push_back(record);
    }
    segment->tail = tail_of(scanned.scan);
    out_.segments[segment->number] = segment;
    scans_.push_back(std::move(scanned));
    return {};
  }

  // Behind it lies nothing of this segment's.
  static std::uint64_t tail_of(const Scan& scan) {
    std::uint64_t tail = kBlock;
    if (!scan.records.empty())
      tail = scan.records.back().offset + scan.records.back().record.size();
    for (const Hole& hole : scan.holes)
      if (hole.ours || hole.after != 0 || hole.batch != 0) tail = std::max(tail, hole.end);
    return round_up(tail);
  }

  void find_missing(const std::vector<std::uint32_t>& found) {
    if (base_ == nullptr) {
      if (checkpoints_.any || !scans_.empty()) {
        out_.report.rebuilt = true;
        note(
            "no valid CHECKPOINT: the whole log was read; removed messages may be back, and what "
            "was delivered may be delivered again");
      }
      return;
    }
    for (const auto& [number, salt] : base_->salts) {
      if (std::ranges::binary_search(found, number)) continue;
      note(fmt::format("{} is missing", log_.path(number)));
      std::vector<MessageId> lost;
      out_.index.for_each([&](MessageId id, const Entry& entry) {
        if (entry.lies_in(number)) lost.push_back(id);
      });
      for (const MessageId id : lost) {
        note(fmt::format("message {} is lost with it", id_text(id)));
        out_.index.erase(id);
      }
      out_.report.damaged += lost.size();
      quarantine_.count_lost(lost.size());
    }
  }

  // Batches that count have numbers without gaps: what is cut off at a batch's end leaves no hole,
  // but a gap.
  void find_missing_batches() {
    if (base_ == nullptr) return;
    std::set<std::uint64_t> present;
    for (const Scanned& scanned : scans_) {
      for (const auto& [record, offset] : scanned.scan.records) {
        if (offset < scanned.valid_end) present.insert(record.batch);
      }
      for (const Hole& hole : scanned.scan.holes) {
        if (hole.start >= scanned.valid_end) continue;
        present.insert(hole.batch);  // or else all that it may have been, told of already
        if (hole.batch == 0 && (hole.ours || hole.after != 0)) {
          present.insert(hole.before + 1);
          for (auto batch = hole.before + 2; batch < hole.after; ++batch) present.insert(batch);
        }
      }
    }
    std::uint64_t expected = base_->next_batch;
    for (const std::uint64_t batch : present) {
      if (batch < expected) continue;
      if (batch > expected) {
        note(
            fmt::format("batches {} to {} of the log are missing: what they said is lost, "
                        "delivered messages may be delivered again",
                        expected, batch - 1));
        ++out_.report.damaged;
        quarantine_.count_lost(1);
      }
      expected = batch + 1;
    }
  }

  void apply_seals() {
    for (const Record& seal : seals_) {
      for (Scanned& scanned : scans_) {
        if (scanned.segment->number == seal.id) scanned.valid_end = seal.body;
      }
    }
  }

  // Acknowledged, and in the checkpoint: nothing that the log says of it is news.
  bool covered(std::uint64_t batch) const {
    return base_ != nullptr && batch != 0 && batch < base_->next_batch;
  }

  // Torn is what the last batch left behind; it was never acknowledged.
  bool torn(const Hole& hole) const {
    if (hole.batch != 0) return hole.batch >= last_batch_;
    if (hole.after == 0) return hole.before == 0 || hole.before >= last_batch_;
    if (hole.after < last_batch_) return false;
    return hole.before == hole.after || hole.start % kBlock == 0;
  }

  Result<void> report_holes(Scanned& scanned) {
    for (const Hole& hole : scanned.scan.holes) {
      if (hole.start >= scanned.valid_end) continue;
      const bool rest = hole.after == 0 && hole.batch == 0;
      if (rest && !hole.ours) continue;  // never written, or a former life
      if (torn(hole)) {
        if (!covered(hole.batch)) ++out_.report.torn;  // else its message is found damaged
        continue;
      }
      keep_from_older_states(scanned, hole);
      if (hole.record && hole.record->type == RecordType::update) continue;
      if (auto aside = set_hole_aside(scanned, hole); !aside) return aside;
    }
    return {};
  }

  // There is a newer state and nobody knows it: the message is not served with an older one, but
  // finds that its newest cannot be read.
  static void keep_from_older_states(Scanned& scanned, const Hole& hole) {
    auto& records = scanned.scan.records;
    for (const Record& update : hole.updates) {
      const auto place = std::ranges::upper_bound(records, hole.start, {}, &Batch::Placed::offset);
      records.insert(place, {update, hole.start});
    }
  }

  Result<void> set_hole_aside(const Scanned& scanned, const Hole& hole) {
    const std::uint32_t number = scanned.segment->number;
    std::string octets(std::min<std::uint64_t>(hole.end - hole.start, 64 << 20), '\0');
    const auto count = scanned.segment->file->read(hole.start, octets.data(), octets.size());
    if (!count && unreadable_ == Unreadable::is_error) return std::unexpected(count.error());
    octets.resize(count.value_or(0));
    const auto ids = ids_in(octets, scanned.segment->salt);
    std::string why =
        fmt::format("{}: damaged from {} to {}", log_.path(number), hole.start, hole.end);
    for (const MessageId id : ids) why += ", message " + id_text(id);
    const std::string place = hex(number, 8) + '-' + hex(hole.start, 10);
    const std::string name = ids.empty() ? place : id_text(ids.front()) + ".record";
    (void)quarantine_.put(name, octets, why);
    ++out_.report.damaged;
    note(fmt::format("{}, set aside as {}/{}", why, quarantine_.folder(), name));
    return {};
  }

  // Only without a checkpoint: what compaction copied is put first, the log then corrects it.
  void apply_copies() {
    for (const Scanned& scanned : scans_) {
      for (const auto& [record, offset] : scanned.scan.records) {
        const Position position{record.segment, offset};
        if (record.type == RecordType::copy || record.type == RecordType::copy_file) {
          out_.index.put(record.id, entry_of(record, position));
          out_.last_id = std::max(out_.last_id, record.id);
        } else if (record.type == RecordType::copy_update) {
          out_.index.set_state(record.id, position, record.size());
        }
      }
    }
  }

  void apply(const Scanned& scanned) {
    for (const auto& [record, offset] : scanned.scan.records) {
      if (offset >= scanned.valid_end) break;
      if (covered(record.batch)) continue;
      const Position position{record.segment, offset};
      out_.next_batch = std::max(out_.next_batch, record.batch + 1);
      switch (record.type) {
        case RecordType::put:
        case RecordType::put_file:
          out_.index.put(record.id, entry_of(record, position));
          out_.last_id = std::max(out_.last_id, record.id);
          break;
        case RecordType::update:
          out_.index.set_state(record.id, position, record.size());
          break;
        case RecordType::done:
          out_.index.erase(record.id);
          break;
        default:
          break;
      }
    }
  }

  FileSystem& files_;
  SegmentFolder& log_;
  Quarantine& quarantine_;
  CheckpointFiles::Loaded& checkpoints_;
  const Unreadable unreadable_;
  const Checkpoint* base_ = nullptr;
  std::vector<Scanned> scans_;
  std::vector<Record> seals_;
  std::uint64_t last_batch_ = 0;
  Replayed out_;
};

}  // namespace

Result<Replayed> replay_log(FileSystem& files, SegmentFolder& log, Quarantine& quarantine,
                            CheckpointFiles::Loaded& checkpoints, Unreadable unreadable) {
  return Recovery(files, log, quarantine, checkpoints, unreadable).run();
}

}  // namespace postrider::store
