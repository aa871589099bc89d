// SPDX-License-Identifier: MIT
// The scan: at a hole it looks for the next header that carries this segment's salt.
#include "store/scan.hpp"

#include <algorithm>

#include "store/crc32c.hpp"

namespace postrider::store {
namespace {

constexpr std::uint64_t kReadChunk = 1 << 20;
constexpr std::size_t kIdAt = 3 + 2 + 9 + 13;  // in a header, behind type, segment and batch

// The records inside a composite, or nothing if one of them is broken.
std::vector<Batch::Placed> take_apart(const Record& outer, std::string_view octets,
                                      std::uint64_t offset, std::uint64_t salt) {
  std::vector<Batch::Placed> inner;
  std::uint32_t crc = 0;
  std::uint64_t at = kHeaderSize;
  while (at < outer.size()) {
    const std::string_view rest = octets.substr(at, outer.size() - at);
    const auto record = parse_header(rest, inner_salt(salt));
    if (!record || record->type == RecordType::composite || record->size() > rest.size() ||
        !record_is_whole(*record, rest)) {
      return {};
    }
    crc = crc32c(rest.substr(0, kHeaderSize), crc);
    inner.push_back({*record, offset + at});
    at += record->size();
  }
  if (crc != outer.body_crc) inner.clear();
  return inner;
}

std::vector<Record> updates_in(const Record& broken, std::string_view octets, std::uint64_t salt) {
  if (broken.type == RecordType::update) return {broken};
  std::vector<Record> updates;
  for (std::size_t at = octets.find(kMagic); at != octets.npos; at = octets.find(kMagic, at + 1)) {
    const auto inner = parse_header(octets.substr(at), inner_salt(salt));
    if (inner && inner->type == RecordType::update) updates.push_back(*inner);
  }
  return updates;
}

class Scanner {
 public:
  Scanner(std::string_view octets, std::uint32_t number, std::uint64_t salt)
      : octets_(octets), number_(number), salt_(salt) {}

  Scan run() {
    std::uint64_t at = kBlock;
    while (at < octets_.size()) {
      if (const auto record = header_at(at)) {
        take(*record, at);
        at += record->size();
      } else if (const std::uint64_t next = skip_padding(at); next != at) {
        at = next;
      } else {
        at = take_hole(at);
      }
    }
    fill_after();
    return std::move(scan_);
  }

 private:
  std::optional<Record> header_at(std::uint64_t at) const {
    const auto record = parse_header(octets_.substr(at), salt_);
    if (!record || record->segment != number_ || record->size() > octets_.size() - at) {
      return std::nullopt;
    }
    return record;
  }

  std::uint64_t skip_padding(std::uint64_t at) const {
    if (octets_[at] != '\n') return at;
    const std::uint64_t end = std::min<std::uint64_t>(round_up(at), octets_.size());
    std::uint64_t next = at;
    while (next < end && octets_[next] == '\n') ++next;
    return next == end ? end : at;
  }

  void take(const Record& record, std::uint64_t at) {
    const std::string_view octets = octets_.substr(at, record.size());
    if (record.type == RecordType::composite) {
      const auto inner = take_apart(record, octets, at, salt_);
      if (!inner.empty()) {
        scan_.records.insert(scan_.records.end(), inner.begin(), inner.end());
        return;
      }
    } else if (record_is_whole(record, octets)) {
      scan_.records.push_back({record, at});
      return;
    }
    scan_.holes.push_back({at, at + record.size(), record.batch, last_batch(), 0, true, record,
                           updates_in(record, octets, salt_)});
  }

  std::uint64_t take_hole(std::uint64_t at) {
    std::uint64_t next = at + 1;
    while ((next = octets_.find(kMagic, next)) != std::string_view::npos && !header_at(next)) {
      ++next;
    }
    if (next == std::string_view::npos) next = octets_.size();
    const std::string begins =
        std::string(kMagic) + octets_[std::min(at + 3, octets_.size() - 1)] + ' ' + hex(number_, 8);
    const bool ours = octets_.substr(at).starts_with(begins);
    scan_.holes.push_back({at, next, 0, last_batch(), 0, ours, std::nullopt, {}});
    return next;
  }

  // Of the last header that was whole, whatever became of its record.
  std::uint64_t last_batch() const {
    const std::uint64_t whole = scan_.records.empty() ? 0 : scan_.records.back().record.batch;
    return scan_.holes.empty() ? whole : std::max(whole, scan_.holes.back().batch);
  }

  void fill_after() {
    std::size_t next = 0;
    for (Hole& hole : scan_.holes) {
      while (next < scan_.records.size() && scan_.records[next].offset < hole.start) ++next;
      if (next < scan_.records.size()) hole.after = scan_.records[next].record.batch;
    }
  }

  std::string_view octets_;
  std::uint32_t number_;
  std::uint64_t salt_;
  Scan scan_;
};

}  // namespace

std::vector<MessageId> ids_in(std::string_view octets, std::uint64_t salt) {
  std::vector<MessageId> ids;
  for (std::size_t at = octets.find(kMagic); at != std::string_view::npos;
       at = octets.find(kMagic, at + 1)) {
    const std::string_view text = octets.substr(at);
    auto record = parse_header(text, salt);
    if (!record) record = parse_header(text, inner_salt(salt));
    MessageId id = record ? record->id : 0;
    // A damaged header at the very start may still tell whose it was.
    if (!record && at == 0)
      id = parse_hex(text.substr(std::min(text.size(), kIdAt), 16)).value_or(0);
    if (id != 0) ids.push_back(id);
  }
  return ids;
}

bool record_is_whole(const Record& record, std::string_view octets) {
  const std::string_view text = octets.substr(kHeaderSize, record.text_size());
  if (crc32c(text) != record.text_crc) return false;
  if (!record.has_body()) return true;
  return crc32c(octets.substr(kHeaderSize + text.size(), record.body)) == record.body_crc;
}

Scan scan_segment(std::string_view octets, std::uint32_t number, std::uint64_t salt) {
  return Scanner(octets, number, salt).run();
}

Result<std::string> read_segment(const Segment& segment, Unreadable unreadable) {
  const auto size = segment.file->written_end();
  if (!size) return std::unexpected(size.error());
  std::string octets(*size, '\0');
  for (std::uint64_t at = 0; at < *size; at += kReadChunk) {
    const std::uint64_t end = std::min(at + kReadChunk, *size);
    const auto count = segment.file->read(at, octets.data() + at, end - at);
    if (count) continue;
    if (unreadable == Unreadable::is_error) return std::unexpected(count.error());
    for (std::uint64_t block = at; block < end; block += kBlock)
      (void)segment.file->read(block, octets.data() + block, std::min(kBlock, end - block));
  }
  return octets;
}

}  // namespace postrider::store
