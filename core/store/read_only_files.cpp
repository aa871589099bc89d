// SPDX-License-Identifier: MIT
#include "store/read_only_files.hpp"

#include <cerrno>

namespace postrider::store {

Result<std::unique_ptr<File>> ReadOnlyFiles::open(const std::string& path, OpenMode mode) {
  // Segments are opened for reading and writing; who only looks never writes to them.
  if (mode == OpenMode::read || mode == OpenMode::read_write)
    return files_.open(path, OpenMode::read);
  return std::unexpected(system_error("open", path, EROFS));
}

Result<std::unique_ptr<File>> ReadOnlyFiles::lock(const std::string& path) {
  if (auto there = files_.open(path, OpenMode::read); !there) return std::unexpected(there.error());
  return files_.lock(path);
}

}  // namespace postrider::store
