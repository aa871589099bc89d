// SPDX-License-Identifier: MIT
// The few calls on files that the store stands on. Whatever survives a power cut is decided by
// File::sync and FileSystem::sync_folder alone, so that a twin in memory (faulty_file.hpp) can fail
// any call and cut the power after any of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace postrider::store {

/// An open file. Closed by its destructor. read() from any thread; the rest one thread at a time.
class File {
 public:
  virtual ~File() = default;
  /// Reads up to `length` octets at `offset`; fewer only at the end of the file.
  virtual Result<std::size_t> read(std::uint64_t offset, char* target,
                                   std::size_t length) const = 0;
  /// Writes all pieces one behind the other from `offset`. After an error any part may be there.
  virtual Result<void> write(std::uint64_t offset, std::span<const std::string_view> pieces) = 0;
  /// Makes data and size durable (fdatasync). After an error never trust what was not yet synced.
  virtual Result<void> sync() = 0;
  /// Reserves disk blocks up to `size` octets and makes the file that long.
  virtual Result<void> allocate(std::uint64_t size) = 0;
  /// Gives back the octets from `size` on. Until the next sync a power cut may bring them back.
  virtual Result<void> trim(std::uint64_t size) = 0;
  virtual Result<std::uint64_t> size() const = 0;
  /// Everything from here to the end of the file is zeros: blocks that were reserved and never
  /// written. The file's size if there are none, or if nobody can tell.
  virtual Result<std::uint64_t> written_end() const { return size(); }
};

enum class OpenMode : std::uint8_t {
  read,        ///< must exist
  read_write,  ///< must exist
  create,      ///< must not exist
  ensure,      ///< made if missing
};

/// Names and folders. A new, renamed or removed name is durable only after sync_folder().
/// Any thread.
class FileSystem {
 public:
  virtual ~FileSystem() = default;
  /// Error not_found if the file is missing and the mode does not make it.
  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  /// Opens or makes `path` and takes an exclusive lock that ends with the File. The error of a file
  /// locked by another names its first line (the pid).
  virtual Result<std::unique_ptr<File>> lock(const std::string& path) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> link(const std::string& from, const std::string& to) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  /// Makes a folder; no error if it is there.
  virtual Result<void> make_folder(const std::string& path) = 0;
  virtual Result<void> sync_folder(const std::string& path) = 0;
  /// Names (without the folder) of the files in a folder, sorted.
  virtual Result<std::vector<std::string>> list(const std::string& path) = 0;
  /// Octets that an ordinary user may still write to the disk of `path`.
  virtual Result<std::uint64_t> free_space(const std::string& path) = 0;
};

/// The error for `call` on `path` that failed with `number` (errno).
Error system_error(std::string_view call, const std::string& path, int number);

/// The real one: retries EINTR, completes short reads and writes.
class PosixFileSystem : public FileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<std::unique_ptr<File>> lock(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> link(const std::string& from, const std::string& to) override;
  Result<void> remove(const std::string& path) override;
  Result<void> make_folder(const std::string& path) override;
  Result<void> sync_folder(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::uint64_t> free_space(const std::string& path) override;
};

/// The one PosixFileSystem that open_log_store(options) uses.
FileSystem& posix_file_system();

}  // namespace postrider::store
