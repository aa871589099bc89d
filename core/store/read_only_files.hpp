// SPDX-License-Identifier: MIT
// A file system that shows what is there and changes nothing: what would remove, rename or set
// aside is answered as if it had happened; only what would store anything fails.
#pragma once

#include "store/file.hpp"

namespace postrider::store {

/// [any thread]
class ReadOnlyFiles final : public FileSystem {
 public:
  /// `files` outlives it.
  explicit ReadOnlyFiles(FileSystem& files) : files_(files) {}

  /// Reading only; every other mode is an error.
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  /// The lock that is there: a folder without one is no spool.
  Result<std::unique_ptr<File>> lock(const std::string& path) override;
  Result<void> rename(const std::string&, const std::string&) override { return {}; }
  Result<void> link(const std::string&, const std::string&) override { return {}; }
  Result<void> remove(const std::string&) override { return {}; }
  Result<void> make_folder(const std::string&) override { return {}; }
  Result<void> sync_folder(const std::string&) override { return {}; }
  Result<std::vector<std::string>> list(const std::string& path) override {
    return files_.list(path);
  }
  Result<std::uint64_t> free_space(const std::string& path) override {
    return files_.free_space(path);
  }

 private:
  FileSystem& files_;
};

}  // namespace postrider::store
