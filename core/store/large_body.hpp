// SPDX-License-Identifier: MIT
// Large bodies: one plain file each, big/<id>.eml, written while the message arrives and flushed
// before the record that names it, with the checksum that the record keeps. A file without a record
// is nobody's and goes.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "store/batch.hpp"
#include "store/file.hpp"
#include "store/quarantine.hpp"

namespace postrider::store {

/// The folder big/. create() and open() from any thread, the rest from the writer's.
class LargeBodies {
 public:
  LargeBodies(FileSystem& files, std::string folder, std::uint64_t threshold,
              Quarantine& quarantine);

  Result<std::unique_ptr<BodyWriter>> create(MessageId id);
  /// `crc` as the record has it. Errc::corrupt if there is no such file, or it is too short.
  Result<BodyPtr> open(MessageId id, std::uint64_t size, std::uint32_t crc) const;

  /// Decides without any I/O where the body of `add` will go.
  PlacedBody plan(const Add& add) const;
  /// Makes the body ready for its record: in memory, or flushed under its name (made durable by
  /// sync_names()).
  Result<void> place(const Add& add, PlacedBody& body);
  Result<void> sync_names() { return files_.sync_folder(folder_); }
  /// The record is durable: the file stays.
  static void keep(const Add& add);
  /// The record was never written: the name given by place() goes.
  void drop(const Add& add);
  void remove(MessageId id) { (void)files_.remove(path(id)); }
  struct Found {
    std::vector<MessageId> ids;        ///< that have a file, ascending
    std::vector<std::string> foreign;  ///< names that are not ours
  };
  Result<Found> list() const;
  std::string path(MessageId id) const;

 private:
  Result<std::uint32_t> copy(const Body& body, const std::string& path);

  FileSystem& files_;
  std::string folder_;
  std::uint64_t threshold_;
  Quarantine& quarantine_;
};

}  // namespace postrider::store
