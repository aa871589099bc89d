// SPDX-License-Identifier: MIT
// Text, one line for each message and segment, closed by "end", the length and a CRC. What may
// follow that line is the rest of a longer checkpoint written here before.
#include "store/checkpoint.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "store/crc32c.hpp"
#include "store/segment.hpp"

namespace postrider::store {
namespace {

constexpr std::string_view kFirstWords = "postrider-queue ";
constexpr std::size_t kMessageFields = 9;

// No leading zeros: a checkpoint is written for each segment that fills, and with many messages
// waiting it is a good part of all that goes to the disk.
void append_fields(std::string& text, std::initializer_list<std::uint64_t> values) {
  std::array<char, 17> digits{' '};
  for (const std::uint64_t value : values) {
    const auto end = std::to_chars(digits.data() + 1, digits.data() + digits.size(), value, 16).ptr;
    text.append(digits.data(), end);
  }
  text += '\n';
}

// A line of one letter and fields of hexadecimal digits.
struct Line {
  char kind = 0;
  std::array<std::uint64_t, kMessageFields> fields{};
  std::size_t count = 0;
};

std::optional<Line> next_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  const char* at = text.data() + 1;
  const char* const stop = text.data() + end;
  Line line;
  line.kind = text.front();
  text.remove_prefix(end + 1);
  while (at != stop) {
    if (*at != ' ' || line.count == line.fields.size()) return std::nullopt;
    const auto [next, error] = std::from_chars(at + 1, stop, line.fields[line.count++], 16);
    if (error != std::errc()) return std::nullopt;
    at = next;
  }
  return line;
}

Entry parse_entry(const std::array<std::uint64_t, kMessageFields>& fields) {
  Entry entry;
  entry.put = {static_cast<std::uint32_t>(fields[1]), fields[2]};
  entry.put_size = fields[3];
  entry.state = {static_cast<std::uint32_t>(fields[4]), fields[5]};
  entry.state_size = fields[6];
  entry.body = fields[7];
  entry.file = fields[8] != 0;
  return entry;
}

// Takes the lines up to "E length crc"; true if all of it is whole.
bool parse_lines(std::string_view whole, std::string_view text, CheckpointPart part,
                 Checkpoint& checkpoint) {
  while (true) {
    const auto line_start = static_cast<std::size_t>(text.data() - whole.data());
    if (part == CheckpointPart::without_index && text.starts_with('M')) {
      const auto end = text.find('\n');
      if (end == std::string_view::npos) return false;
      text.remove_prefix(end + 1);
      continue;
    }
    const auto line = next_line(text);
    if (!line) return false;
    const auto& fields = line->fields;
    if (line->kind == 'C' && line->count == 4) {
      checkpoint.generation = fields[0];
      checkpoint.replay_from = static_cast<std::uint32_t>(fields[1]);
      checkpoint.next_batch = fields[2];
      checkpoint.last_id = fields[3];
    } else if (line->kind == 'S' && line->count == 2) {
      checkpoint.salts[static_cast<std::uint32_t>(fields[0])] = fields[1];
    } else if (line->kind == 'M' && line->count == kMessageFields) {
      checkpoint.index.put(fields[0], parse_entry(fields));
    } else {
      return line->kind == 'E' && line->count == 2 && fields[0] == line_start &&
             fields[1] == crc32c(whole.substr(0, line_start));
    }
  }
}

}  // namespace

std::optional<Checkpoint> parse_checkpoint(std::string_view text, CheckpointPart part) {
  const std::string first = fmt::format("{}{}\n", kFirstWords, kFormatVersion);
  if (!text.starts_with(first)) return std::nullopt;
  Checkpoint checkpoint;
  if (!parse_lines(text, text.substr(first.size()), part, checkpoint)) return std::nullopt;
  return checkpoint;
}

CheckpointFiles::CheckpointFiles(FileSystem& files, std::string folder)
    : files_(files), folder_(std::move(folder)) {}

std::string CheckpointFiles::path(std::size_t slot) const {
  return fmt::format("{}/CHECKPOINT.{}", folder_, slot);
}

// Empty if there is no such file.
Result<std::string> CheckpointFiles::read(std::size_t slot, std::size_t most) const {
  const auto file = files_.open(path(slot), OpenMode::read);
  if (!file && file.error().code == Errc::not_found) return std::string();
  if (!file) return std::unexpected(file.error());
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  std::string text(std::min<std::size_t>(*size, most), '\0');
  const auto count = (*file)->read(0, text.data(), text.size());
  if (!count) return std::unexpected(count.error());
  text.resize(*count);
  return text;
}

Result<CheckpointFiles::Loaded> CheckpointFiles::load() {
  constexpr std::size_t kHead = 256;
  Loaded loaded;
  std::array<std::uint64_t, 2> generations{};
  for (std::size_t slot = 0; slot < 2; ++slot) {
    const auto text = read(slot, kHead);
    if (!text) return std::unexpected(text.error());
    loaded.any = loaded.any || !text->empty();
    if (!text->starts_with(kFirstWords)) continue;
    const auto version = std::strtoul(text->c_str() + kFirstWords.size(), nullptr, 10);
    if (version > kFormatVersion) {
      return std::unexpected(
          Error{Errc::io, fmt::format("{} has format {}, newer than {}: left alone", path(slot),
                                      version, kFormatVersion)});
    }
    std::string_view rest = *text;
    rest.remove_prefix(std::min(rest.size(), rest.find('\n')) + 1);
    if (const auto line = next_line(rest); line && line->kind == 'C') {
      generations[slot] = line->fields[0];
    }
  }
  const std::size_t greater = generations[1] > generations[0] ? 1 : 0;
  for (const std::size_t slot : {greater, 1 - greater}) {
    const auto text = read(slot, std::string::npos);
    if (!text) return std::unexpected(text.error());
    const bool first = !loaded.newest;
    auto checkpoint =
        parse_checkpoint(*text, first ? CheckpointPart::all : CheckpointPart::without_index);
    if (!checkpoint) continue;
    if (first) newest_slot_ = slot;
    (first ? loaded.newest : loaded.former) = std::move(checkpoint);
  }
  return loaded;
}

Result<void> CheckpointFiles::sync() {
  for (std::size_t slot = 0; slot < 2; ++slot) {
    const auto file = files_.open(path(slot), OpenMode::read);
    if (!file && file.error().code == Errc::not_found) continue;
    if (!file) return std::unexpected(file.error());
    if (auto synced = (*file)->sync(); !synced) return synced;
  }
  return files_.sync_folder(folder_);
}

Result<std::unique_ptr<File>> CheckpointFiles::open_older() {
  return files_.open(path(1 - newest_slot_), OpenMode::ensure);
}

Result<void> CheckpointFiles::accept() {
  if (auto synced = files_.sync_folder(folder_); !synced) return synced;
  newest_slot_ = 1 - newest_slot_;
  return {};
}

void CheckpointFiles::discard() {
  (void)files_.remove(path(1 - newest_slot_));
}

void CheckpointWriter::begin(const CheckpointHead& head) {
  head_ = head;
  active_ = true;
  file_.reset();
  next_ = 0;
  salts_.clear();
  text_.clear();
  fmt::format_to(std::back_inserter(text_), "{}{}\nC", kFirstWords, kFormatVersion);
  append_fields(text_, {head.generation, head.replay_from, head.next_batch, head.last_id});
  written_ = 0;
  crc_ = 0;
}

void CheckpointWriter::append_message(MessageId id, const Entry& entry) {
  for (const std::uint32_t segment : {entry.put.segment, entry.state.segment}) {
    if (salts_.contains(segment)) continue;
    if (const auto salt = salt_of_(segment)) salts_[segment] = *salt;
  }
  text_ += 'M';
  append_fields(text_,
                {id, entry.put.segment, entry.put.offset, entry.put_size, entry.state.segment,
                 entry.state.offset, entry.state_size, entry.body, entry.file ? 1u : 0u});
}

void CheckpointWriter::append_end() {
  for (const auto& [segment, salt] : salts_) {
    text_ += 'S';
    append_fields(text_, {segment, salt});
  }
  const std::uint64_t length = written_ + text_.size();
  const std::uint32_t crc = crc32c(text_, crc_);
  text_ += 'E';
  append_fields(text_, {length, crc});
}

Result<void> CheckpointWriter::flush(bool last) {
  if (!file_) {
    auto file = files_.open_older();
    if (!file) return std::unexpected(file.error());
    file_ = std::move(*file);
  }
  const std::array<std::string_view, 1> pieces{text_};
  if (auto written = file_->write(written_, pieces); !written) return written;
  if (auto synced = file_->sync(); !synced) return synced;
  crc_ = crc32c(text_, crc_);
  written_ += text_.size();
  text_.clear();
  if (!last) return {};
  file_.reset();
  return files_.accept();
}

Result<bool> CheckpointWriter::step(std::size_t messages) {
  next_ = index_.walk(*next_, messages, [this](MessageId id, const Entry& entry) {
    append_message(id, entry);
    return true;
  });
  const bool last = !next_;
  if (last) append_end();
  active_ = !last;
  if (auto flushed = flush(last); !flushed) {
    active_ = false;
    file_.reset();
    files_.discard();
    return std::unexpected(flushed.error());
  }
  return last;
}

}  // namespace postrider::store
