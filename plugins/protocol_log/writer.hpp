// SPDX-License-Identifier: MIT
// The thread behind a log file: takes all lines that wait, writes them, rotates.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "log_file.hpp"
#include "output.hpp"

namespace postrider::protocol_log {

class LogFile::Writer {
 public:
  Writer(const std::string& path, FileLimits limits);

  static void start(const std::shared_ptr<Writer>& writer);
  /// One user more; false if the thread has ended already.
  bool join(FileLimits limits);
  void leave() noexcept;

  /// Whole lines; counted and dropped when too much waits for the disk.
  void write(std::string lines, Format format) noexcept;
  void drop(std::uint64_t lines) noexcept;
  void reopen() noexcept;
  void expect_end() noexcept;
  std::optional<std::string> news() noexcept;

 private:
  void run();
  void put(std::span<const std::string> pieces);
  void say_dropped(std::uint64_t count, Format format);
  bool is_enough() const noexcept;
  bool is_left();
  void tell(std::uint64_t lost);

  Output output_;  // the thread's own, once it runs

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable ended_wake_;
  FileLimits limits_;
  std::vector<std::string> waiting_;
  std::size_t octets_ = 0;  // of those
  std::uint64_t dropped_ = 0;
  Format format_ = Format::text;  // of the last lines
  unsigned users_ = 1;
  bool reopen_ = false;
  bool expects_end_ = false;
  bool ended_ = false;
  std::string news_;
  std::atomic<bool> has_news_ = false;
};

}  // namespace postrider::protocol_log
