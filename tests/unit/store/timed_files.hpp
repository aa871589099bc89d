// SPDX-License-Identifier: MIT
// The real file system with a clock in hand: how long the calls took, by what they serve. Tells
// whether a commit that took long waited for its own flush or for the upkeep of the store.
#pragma once

#include <array>
#include <atomic>
#include <chrono>

#include "store/file.hpp"

namespace postrider::store::testing {

/// Whom a call serves. Copies of compaction and the first block of a segment count as log.
enum class Served : std::uint8_t { log_write, log_flush, checkpoint, names };
inline constexpr std::size_t kServed = 4;

/// [any thread] Sums of microseconds, octets and calls so far, and the longest call.
class CallTimes {
 public:
  using Clock = std::chrono::steady_clock;
  struct Sum {
    std::atomic<std::int64_t> micros = 0, longest = 0, calls = 0, octets = 0;
  };

  template <class Call>
  auto time(Served served, std::uint64_t octets, Call call) {
    const auto begin = Clock::now();
    auto result = call();
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begin).count();
    Sum& sum = sums_[static_cast<std::size_t>(served)];
    sum.micros += took;
    if (took > sum.longest) sum.longest = took;
    sum.octets += static_cast<std::int64_t>(octets);
    ++sum.calls;
    return result;
  }
  const Sum& of(Served served) const { return sums_[static_cast<std::size_t>(served)]; }
  /// Microseconds so far, by whom they served.
  std::array<std::int64_t, kServed> micros() const {
    std::array<std::int64_t, kServed> all{};
    for (std::size_t i = 0; i < kServed; ++i) all[i] = sums_[i].micros;
    return all;
  }

 private:
  std::array<Sum, kServed> sums_;
};

class TimedFile final : public File {
 public:
  TimedFile(std::unique_ptr<File> file, bool checkpoint, CallTimes& times)
      : file_(std::move(file)), checkpoint_(checkpoint), times_(times) {}

  Result<std::size_t> read(std::uint64_t offset, char* target, std::size_t length) const override {
    return file_->read(offset, target, length);
  }
  Result<void> write(std::uint64_t offset, std::span<const std::string_view> pieces) override {
    std::uint64_t octets = 0;
    for (const auto piece : pieces) octets += piece.size();
    return times_.time(checkpoint_ ? Served::checkpoint : Served::log_write, octets,
                       [&] { return file_->write(offset, pieces); });
  }
  Result<void> sync() override {
    return times_.time(checkpoint_ ? Served::checkpoint : Served::log_flush, 0,
                       [&] { return file_->sync(); });
  }
  Result<void> allocate(std::uint64_t size) override {
    return times_.time(Served::names, 0, [&] { return file_->allocate(size); });
  }
  Result<void> trim(std::uint64_t size) override { return file_->trim(size); }
  Result<std::uint64_t> size() const override { return file_->size(); }
  Result<std::uint64_t> written_end() const override { return file_->written_end(); }

 private:
  std::unique_ptr<File> file_;
  bool checkpoint_;
  CallTimes& times_;
};

class TimedFiles final : public PosixFileSystem {
 public:
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override {
    auto file = times.time(Served::names, 0, [&] { return PosixFileSystem::open(path, mode); });
    if (!file) return file;
    const bool checkpoint = path.find("CHECKPOINT") != std::string::npos;
    return std::make_unique<TimedFile>(std::move(*file), checkpoint, times);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return times.time(Served::names, 0, [&] { return PosixFileSystem::rename(from, to); });
  }
  Result<void> remove(const std::string& path) override {
    return times.time(Served::names, 0, [&] { return PosixFileSystem::remove(path); });
  }
  Result<void> sync_folder(const std::string& path) override {
    return times.time(Served::names, 0, [&] { return PosixFileSystem::sync_folder(path); });
  }

  CallTimes times;
};

}  // namespace postrider::store::testing
