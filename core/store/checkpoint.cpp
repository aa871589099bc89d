// SPDX-License-Identifier: MIT
// Text, one line for each segment and message, closed by "end", the length and a CRC. What may
// follow that line is the rest of a longer checkpoint written here before.
#include "store/checkpoint.hpp"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "store/crc32c.hpp"
#include "store/segment.hpp"

namespace postrider::store {
namespace {

constexpr std::string_view kFirstWords = "postrider-queue ";

void append_fields(std::string& text, std::initializer_list<std::uint64_t> values) {
  for (const std::uint64_t value : values) {
    text += ' ';
    append_hex(text, value, 16);
  }
  text += '\n';
}

// Lines of one letter and fields of 16 digits each.
struct Line {
  char kind = 0;
  std::vector<std::uint64_t> fields;
};

std::optional<Line> next_line(std::string_view& text) {
  const auto end = text.find('\n');
  if (end == std::string_view::npos || end == 0) return std::nullopt;
  std::string_view rest = text.substr(0, end);
  text.remove_prefix(end + 1);
  Line line;
  line.kind = rest.front();
  for (rest.remove_prefix(1); rest.size() >= 17 && rest.front() == ' '; rest.remove_prefix(17)) {
    const auto value = parse_hex(rest.substr(1, 16));
    if (!value) return std::nullopt;
    line.fields.push_back(*value);
  }
  if (!rest.empty()) return std::nullopt;
  return line;
}

Entry parse_entry(const std::vector<std::uint64_t>& fields) {
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
bool parse_lines(std::string_view whole, std::string_view text, Checkpoint& checkpoint) {
  while (true) {
    const auto line_start = static_cast<std::size_t>(text.data() - whole.data());
    const auto line = next_line(text);
    if (!line) return false;
    const auto& fields = line->fields;
    if (line->kind == 'C' && fields.size() == 4) {
      checkpoint.generation = fields[0];
      checkpoint.replay_from = static_cast<std::uint32_t>(fields[1]);
      checkpoint.next_batch = fields[2];
      checkpoint.last_id = fields[3];
    } else if (line->kind == 'S' && fields.size() == 2) {
      checkpoint.salts[static_cast<std::uint32_t>(fields[0])] = fields[1];
    } else if (line->kind == 'M' && fields.size() == 9) {
      checkpoint.index.put(fields[0], parse_entry(fields));
    } else {
      return line->kind == 'E' && fields.size() == 2 && fields[0] == line_start &&
             fields[1] == crc32c(whole.substr(0, line_start));
    }
  }
}

}  // namespace

std::string format_checkpoint(std::uint64_t generation, std::uint32_t replay_from,
                              std::uint64_t next_batch, MessageId last_id,
                              const std::map<std::uint32_t, std::uint64_t>& salts,
                              const Index& index) {
  std::string text = fmt::format("{}{}\n", kFirstWords, kFormatVersion);
  text.reserve(256 + salts.size() * 40 + index.entries().size() * 160);
  text += 'C';
  append_fields(text, {generation, replay_from, next_batch, last_id});
  for (const auto& [segment, salt] : salts) {
    text += 'S';
    append_fields(text, {segment, salt});
  }
  for (const auto& [id, entry] : index.entries()) {
    text += 'M';
    append_fields(text,
                  {id, entry.put.segment, entry.put.offset, entry.put_size, entry.state.segment,
                   entry.state.offset, entry.state_size, entry.body, entry.file ? 1u : 0u});
  }
  const std::uint64_t length = text.size();
  const std::uint32_t crc = crc32c(text);
  text += 'E';
  append_fields(text, {length, crc});
  return text;
}

std::optional<Checkpoint> parse_checkpoint(std::string_view text) {
  const std::string first = fmt::format("{}{}\n", kFirstWords, kFormatVersion);
  if (!text.starts_with(first)) return std::nullopt;
  Checkpoint checkpoint;
  if (!parse_lines(text, text.substr(first.size()), checkpoint)) return std::nullopt;
  return checkpoint;
}

CheckpointFiles::CheckpointFiles(FileSystem& files, std::string folder)
    : files_(files), folder_(std::move(folder)) {}

std::string CheckpointFiles::path(std::size_t slot) const {
  return fmt::format("{}/CHECKPOINT.{}", folder_, slot);
}

Result<CheckpointFiles::Loaded> CheckpointFiles::load() {
  Loaded loaded;
  for (std::size_t slot = 0; slot < 2; ++slot) {
    auto file = files_.open(path(slot), OpenMode::read);
    if (!file && file.error().code == Errc::not_found) continue;
    if (!file) return std::unexpected(file.error());
    const auto size = (*file)->size();
    if (!size) return std::unexpected(size.error());
    std::string text(*size, '\0');
    const auto count = (*file)->read(0, text.data(), text.size());
    if (!count) return std::unexpected(count.error());
    loaded.any = true;
    if (text.starts_with(kFirstWords)) {
      const auto version = std::strtoul(text.c_str() + kFirstWords.size(), nullptr, 10);
      if (version > kFormatVersion) {
        return std::unexpected(
            Error{Errc::io, fmt::format("{} has format {}, newer than {}: left alone", path(slot),
                                        version, kFormatVersion)});
      }
    }
    auto checkpoint = parse_checkpoint(text);
    if (!checkpoint) continue;
    if (loaded.newest && loaded.newest->generation > checkpoint->generation) {
      loaded.former = std::move(checkpoint);
    } else {
      loaded.former = std::exchange(loaded.newest, std::move(checkpoint));
      newest_slot_ = slot;
    }
  }
  return loaded;
}

Result<void> CheckpointFiles::write(std::string_view text) {
  const std::size_t slot = 1 - newest_slot_;
  const auto attempt = [&]() -> Result<void> {
    auto file = files_.open(path(slot), OpenMode::ensure);
    if (!file) return std::unexpected(file.error());
    const std::array<std::string_view, 1> pieces{text};
    if (auto written = (*file)->write(0, pieces); !written) return written;
    if (auto synced = (*file)->sync(); !synced) return synced;
    return files_.sync_folder(folder_);
  };
  auto written = attempt();
  if (written) {
    newest_slot_ = slot;
  } else {
    // What a failed flush left in the page cache is not to be trusted: begin with a new file.
    (void)files_.remove(path(slot));
  }
  return written;
}

}  // namespace postrider::store
