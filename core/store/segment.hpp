// SPDX-License-Identifier: MIT
// A segment of the log: a file of fixed size, written once from front to end, then only read, and
// used again under a new number and a new salt when nothing in it lives. Block 0 names both.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/file.hpp"
#include "store/record.hpp"

namespace postrider::store {

/// Readers keep a segment by its shared pointer: it is used again only when no reader is left.
struct Segment {
  std::uint32_t number = 0;
  std::uint64_t salt = 0;
  std::unique_ptr<File> file;
  std::uint64_t tail = kBlock;  ///< where the next batch goes; the writer's own
  std::chrono::steady_clock::time_point sealed;
};
using SegmentPtr = std::shared_ptr<Segment>;

/// The folder log/: hands out segments that are ready for use and takes the dead ones back.
/// One thread.
class SegmentFolder {
 public:
  SegmentFolder(FileSystem& files, std::string folder, std::uint64_t segment_size, unsigned spares);

  struct Found {
    std::vector<std::uint32_t> segments;  ///< sorted
    std::vector<std::string> foreign;     ///< names that are not ours
  };
  /// Reads the folder: the segments there are; remembers the spare files.
  Result<Found> list();
  /// Opens a segment that is there. `salt` from the checkpoint, else from its own block 0. An empty
  /// pointer: the file is not that segment (never finished, or a former life).
  Result<SegmentPtr> open(std::uint32_t number, std::optional<std::uint64_t> salt);

  /// The next segment, durable with its name before anything relies on it: a spare file, or a new
  /// one with its blocks reserved.
  Result<SegmentPtr> prepare();
  /// Takes back a segment: kept as a spare file, or removed if there are enough.
  void retire(std::uint32_t number);
  /// Removes the spare files.
  void drop_spares();

  std::uint32_t next_number() const { return next_; }
  /// No later segment gets this number or a smaller one. (The last ones are never used: a file
  /// named so is not ours.)
  void pass(std::uint32_t number) {
    if (number < 0xffff0000) next_ = std::max(next_, number + 1);
  }
  std::string path(std::uint32_t number) const;
  /// Does the file begin as segments do, or is nothing there yet? Other files are not ours.
  Result<bool> begins_well(std::uint32_t number) const;
  const std::string& folder() const { return folder_; }
  std::uint64_t segment_size() const { return segment_size_; }

 private:
  Result<std::unique_ptr<File>> take_file(const std::string& path);
  Result<void> write_block_zero(Segment& segment);
  std::string spare_path(std::uint32_t number) const;

  FileSystem& files_;
  std::string folder_;
  std::uint64_t segment_size_;
  unsigned spare_limit_;
  std::vector<std::uint32_t> spares_;
  std::uint32_t next_ = 1;
};

/// The version of everything on disk. A greater one is refused and left alone.
inline constexpr std::uint32_t kFormatVersion = 1;

}  // namespace postrider::store
