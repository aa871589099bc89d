// SPDX-License-Identifier: MIT
// Large bodies: one plain file each, big/<id>.eml, written while the message arrives and flushed
// before the record that names it. A file without a record is nobody's and goes.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "store/batch.hpp"
#include "store/file.hpp"

namespace postrider::store {

/// The folder big/. create() and open() from any thread, the rest from the writer's.
class LargeBodies {
 public:
  LargeBodies(FileSystem& files, std::string folder, std::uint64_t threshold);

  Result<std::unique_ptr<BodyWriter>> create(MessageId id);
  Result<BodyPtr> open(MessageId id, std::uint64_t size) const;

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
  /// Ids that have a file.
  Result<std::vector<MessageId>> list() const;

 private:
  std::string path(MessageId id) const;
  Result<void> copy(const Body& body, const std::string& path);

  FileSystem& files_;
  std::string folder_;
  std::uint64_t threshold_;
};

}  // namespace postrider::store
