// SPDX-License-Identifier: MIT
// The POSIX calls behind file.hpp. EINTR is retried and short transfers are completed here, so that
// the store above sees a call either done or failed.
#include "store/file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

namespace postrider::store {
namespace {

constexpr std::size_t kPiecesPerCall = 512;

template <class Call>
auto again(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

std::unexpected<Error> failed(std::string_view call, const std::string& path) {
  return std::unexpected(system_error(call, path, errno));
}

class PosixFile final : public File {
 public:
  PosixFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  PosixFile(const PosixFile&) = delete;
  PosixFile& operator=(const PosixFile&) = delete;
  ~PosixFile() override { ::close(descriptor_); }

  Result<std::size_t> read(std::uint64_t offset, char* target, std::size_t length) const override {
    std::size_t done = 0;
    while (done < length) {
      const auto count = again([&] {
        return ::pread(descriptor_, target + done, length - done,
                       static_cast<off_t>(offset + done));
      });
      if (count < 0) return failed("pread", path_);
      if (count == 0) break;
      done += static_cast<std::size_t>(count);
    }
    return done;
  }

  Result<void> write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    std::array<iovec, kPiecesPerCall> vectors;
    while (!pieces.empty()) {
      const std::size_t count = std::min(pieces.size(), vectors.size());
      for (std::size_t i = 0; i < count; ++i) {
        vectors[i] = {const_cast<char*>(pieces[i].data()), pieces[i].size()};
      }
      if (auto written = write_vectors(offset, {vectors.data(), count}); !written) return written;
      for (const auto& piece : pieces.first(count)) offset += piece.size();
      pieces = pieces.subspan(count);
    }
    return {};
  }

  Result<void> sync() override {
    if (again([&] { return ::fdatasync(descriptor_); }) != 0) return failed("fdatasync", path_);
    return {};
  }

  Result<void> allocate(std::uint64_t size) override {
    const auto length = static_cast<off_t>(size);
    if (again([&] { return ::fallocate(descriptor_, 0, 0, length); }) == 0) return {};
    if (errno != EOPNOTSUPP) return failed("fallocate", path_);
    // A file system without it: the length alone, the blocks come with the writes.
    if (again([&] { return ::ftruncate(descriptor_, length); }) == 0) return {};
    return failed("ftruncate", path_);
  }

  Result<void> trim(std::uint64_t size) override {
    if (again([&] { return ::ftruncate(descriptor_, static_cast<off_t>(size)); }) == 0) return {};
    return failed("ftruncate", path_);
  }

  Result<std::uint64_t> size() const override {
    struct stat facts{};
    if (::fstat(descriptor_, &facts) != 0) return failed("fstat", path_);
    return static_cast<std::uint64_t>(facts.st_size);
  }
  Result<std::uint64_t> written_end() const override {
    off_t end = 0;
    for (;;) {
      const off_t data = ::lseek(descriptor_, end, SEEK_DATA);
      if (data < 0 && errno == ENXIO) return static_cast<std::uint64_t>(end);
      if (data < 0) return size();
      end = ::lseek(descriptor_, data, SEEK_HOLE);
      if (end < 0) return size();
    }
  }

 private:
  Result<void> write_vectors(std::uint64_t offset, std::span<iovec> vectors) {
    while (!vectors.empty()) {
      const auto count = again([&] {
        return ::pwritev(descriptor_, vectors.data(), static_cast<int>(vectors.size()),
                         static_cast<off_t>(offset));
      });
      if (count < 0) return failed("pwritev", path_);
      auto rest = static_cast<std::size_t>(count);
      offset += rest;
      while (!vectors.empty() && rest >= vectors.front().iov_len) {
        rest -= vectors.front().iov_len;
        vectors = vectors.subspan(1);
      }
      if (rest == 0) continue;
      vectors.front().iov_base = static_cast<char*>(vectors.front().iov_base) + rest;
      vectors.front().iov_len -= rest;
    }
    return {};
  }

  int descriptor_;
  std::string path_;
};

int open_flags(OpenMode mode) {
  switch (mode) {
    case OpenMode::read:
      return O_RDONLY;
    case OpenMode::read_write:
      return O_RDWR;
    case OpenMode::create:
      return O_RDWR | O_CREAT | O_EXCL;
    case OpenMode::ensure:
      return O_RDWR | O_CREAT;
  }
  return O_RDONLY;
}

std::string first_line(const File& file) {
  std::array<char, 64> text;
  const auto count = file.read(0, text.data(), text.size());
  if (!count || *count == 0) return "of unknown pid";
  const std::string_view found(text.data(), *count);
  return std::string(found.substr(0, found.find_first_of(" \n")));
}

}  // namespace

Error system_error(std::string_view call, const std::string& path, int number) {
  Errc code = Errc::io;
  if (number == ENOSPC || number == EDQUOT) code = Errc::no_space;
  if (number == ENOENT) code = Errc::not_found;
  return {code, fmt::format("{} {}: {}", call, path, std::generic_category().message(number))};
}

Result<std::unique_ptr<File>> PosixFileSystem::open(const std::string& path, OpenMode mode) {
  const int descriptor =
      again([&] { return ::open(path.c_str(), open_flags(mode) | O_CLOEXEC, 0600); });
  if (descriptor < 0) return failed("open", path);
  return std::make_unique<PosixFile>(descriptor, path);
}

Result<std::unique_ptr<File>> PosixFileSystem::lock(const std::string& path) {
  const int descriptor =
      again([&] { return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600); });
  if (descriptor < 0) return failed("open", path);
  auto file = std::make_unique<PosixFile>(descriptor, path);
  if (again([&] { return ::flock(descriptor, LOCK_EX | LOCK_NB); }) == 0) return file;
  if (errno != EWOULDBLOCK) return failed("flock", path);
  return std::unexpected(Error{
      Errc::io, fmt::format("{} is locked by another process: pid {}", path, first_line(*file))});
}

Result<void> PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return failed("rename", from);
  return {};
}

Result<void> PosixFileSystem::link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) != 0) return failed("link", from);
  return {};
}

Result<void> PosixFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return failed("unlink", path);
  return {};
}

Result<void> PosixFileSystem::make_folder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("mkdir", path);
  return {};
}

Result<void> PosixFileSystem::sync_folder(const std::string& path) {
  const int descriptor =
      again([&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); });
  if (descriptor < 0) return failed("open", path);
  const PosixFile folder(descriptor, path);
  if (again([&] { return ::fsync(descriptor); }) != 0) return failed("fsync", path);
  return {};
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& path) {
  DIR* folder = ::opendir(path.c_str());
  if (folder == nullptr) return failed("opendir", path);
  std::vector<std::string> names;
  errno = 0;
  while (const dirent* entry = ::readdir(folder)) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  const int number = errno;
  ::closedir(folder);
  if (number != 0) return std::unexpected(system_error("readdir", path, number));
  std::ranges::sort(names);
  return names;
}

Result<std::uint64_t> PosixFileSystem::free_space(const std::string& path) {
  struct statvfs facts{};
  if (again([&] { return ::statvfs(path.c_str(), &facts); }) != 0) return failed("statvfs", path);
  return static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
}

FileSystem& posix_file_system() {
  static PosixFileSystem files;
  return files;
}

}  // namespace postrider::store
