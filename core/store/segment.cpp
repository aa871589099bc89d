// SPDX-License-Identifier: MIT
// Segments are prepared ahead of need and recycled by rename: overwriting blocks that the disk
// already has costs a fraction of appending new ones.
#include "store/segment.hpp"

#include <array>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "store/crc32c.hpp"

namespace postrider::store {
namespace {

constexpr std::string_view kSegmentMagic = "Q1SEG ";
constexpr std::size_t kLineSize = 6 + 4 + 1 + 8 + 1 + 16 + 1 + 8 + 1;
constexpr std::size_t kSecondCopy = kBlock / 2;  // in another sector

std::string identity_line(std::uint32_t number, std::uint64_t salt) {
  std::string line(kSegmentMagic);
  append_hex(line, kFormatVersion, 4);
  line += ' ';
  append_hex(line, number, 8);
  line += ' ';
  append_hex(line, salt, 16);
  line += ' ';
  append_hex(line, crc32c(line), 8);
  line += '\n';
  return line;
}

std::optional<std::uint64_t> salt_in(std::string_view line, std::uint32_t number) {
  if (line.size() < kLineSize || !line.starts_with(kSegmentMagic)) return std::nullopt;
  const auto salt = parse_hex(line.substr(20, 16));
  if (!salt || line.substr(0, kLineSize) != identity_line(number, *salt)) return std::nullopt;
  return salt;
}

// A version whose checksum may be another than ours, so it is not asked for.
std::optional<std::uint64_t> newer_format(std::string_view line) {
  if (!line.starts_with(kSegmentMagic)) return std::nullopt;
  const auto version = parse_hex(line.substr(kSegmentMagic.size(), 4));
  return version && *version > kFormatVersion ? version : std::nullopt;
}

std::uint64_t random_salt() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

}  // namespace

SegmentFolder::SegmentFolder(FileSystem& files, std::string folder, std::uint64_t segment_size,
                             unsigned spares)
    : files_(files),
      folder_(std::move(folder)),
      segment_size_(segment_size),
      spare_limit_(spares) {}

std::string SegmentFolder::path(std::uint32_t number) const {
  return folder_ + '/' + hex(number, 8) + ".log";
}

std::string SegmentFolder::spare_path(std::uint32_t number) const {
  return folder_ + '/' + hex(number, 8) + ".spare";
}

Result<SegmentFolder::Found> SegmentFolder::list() {
  const auto names = files_.list(folder_);
  if (!names) return std::unexpected(names.error());
  Found found;
  for (const std::string& name : *names) {
    const auto number = parse_hex(std::string_view(name).substr(0, 8)).value_or(0);
    const auto value = static_cast<std::uint32_t>(number);
    if (name == hex(number, 8) + ".log") {
      found.segments.push_back(value);
    } else if (name == hex(number, 8) + ".spare") {
      spares_.push_back(value);
    } else {
      found.foreign.push_back(name);
      continue;
    }
    pass(value);
  }
  return found;
}

Result<bool> SegmentFolder::begins_well(std::uint32_t number) const {
  const auto file = files_.open(path(number), OpenMode::read);
  if (!file) return std::unexpected(file.error());
  std::array<char, kSegmentMagic.size()> start{};
  const auto count = (*file)->read(0, start.data(), start.size());
  if (!count) return std::unexpected(count.error());
  const std::string_view text(start.data(), *count);
  return text == kSegmentMagic || text.find_first_not_of('\0') == std::string_view::npos;
}

Result<SegmentPtr> SegmentFolder::open(std::uint32_t number, std::optional<std::uint64_t> salt) {
  auto file = files_.open(path(number), OpenMode::read_write);
  if (!file) return std::unexpected(file.error());
  if (!salt) {
    std::array<char, kBlock> block{};
    const auto count = (*file)->read(0, block.data(), block.size());
    if (!count) return std::unexpected(count.error());
    const std::string_view text(block.data(), block.size());
    salt = salt_in(text, number);
    if (!salt) salt = salt_in(text.substr(kSecondCopy), number);
    if (const auto newer = newer_format(text); !salt && newer)
      return std::unexpected(
          Error{Errc::io, fmt::format("{} has format {}, newer than {}: left alone", path(number),
                                      *newer, kFormatVersion)});
    if (!salt) return SegmentPtr();
  }
  auto segment = std::make_shared<Segment>();
  segment->number = number;
  segment->salt = *salt;
  segment->file = std::move(*file);
  segment->sealed = std::chrono::steady_clock::now();
  return segment;
}

Result<std::unique_ptr<File>> SegmentFolder::take_file(const std::string& path) {
  while (!spares_.empty()) {
    const std::string spare = spare_path(spares_.back());
    spares_.pop_back();
    if (!files_.rename(spare, path)) {
      (void)files_.remove(spare);
      continue;
    }
    return files_.open(path, OpenMode::read_write);
  }
  return files_.open(path, OpenMode::create);
}

Result<void> SegmentFolder::write_block_zero(Segment& segment) {
  const std::string line = identity_line(segment.number, segment.salt);
  std::string block(kBlock, '\n');
  block.replace(0, line.size(), line);
  block.replace(kSecondCopy, line.size(), line);
  const std::array<std::string_view, 1> pieces{block};
  if (auto reserved = segment.file->allocate(segment_size_); !reserved) return reserved;
  if (auto written = segment.file->write(0, pieces); !written) return written;
  if (auto synced = segment.file->sync(); !synced) return synced;
  return files_.sync_folder(folder_);
}

Result<SegmentPtr> SegmentFolder::prepare() {
  auto segment = std::make_shared<Segment>();
  segment->number = next_++;
  segment->salt = random_salt();
  const std::string name = path(segment->number);
  auto file = take_file(name);
  if (!file) return std::unexpected(file.error());
  segment->file = std::move(*file);
  if (auto ready = write_block_zero(*segment); !ready) {
    (void)files_.remove(name);
    return std::unexpected(ready.error());
  }
  return segment;
}

void SegmentFolder::retire(std::uint32_t number) {
  const bool keep = spares_.size() < spare_limit_;
  if (keep && files_.rename(path(number), spare_path(number))) {
    spares_.push_back(number);
  } else {
    (void)files_.remove(path(number));
  }
}

void SegmentFolder::drop_spares() {
  for (const std::uint32_t number : spares_) (void)files_.remove(spare_path(number));
  spares_.clear();
}

}  // namespace postrider::store
