// SPDX-License-Identifier: MIT
// The daemon's log: one event is one line, to standard error or a file. Loops only append to a
// bounded buffer; one thread writes it. A slow disk costs lines, which are counted and said, never
// time on a loop.
//   2026-11-21T04:38:00.123Z info event="message accepted" session=1a2b id=3c4d
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include <postrider/log.hpp>
#include <postrider/time.hpp>

namespace postrider::log {

/// "debug", "info", "warning", "error".
std::string_view level_name(LogLevel level) noexcept;

/// One line with its line end, as the log writes it. `prefix` is " key=value ..." or empty.
std::string format_line(WallTime at, LogLevel level, std::string_view event,
                        std::string_view prefix, std::initializer_list<LogField> fields);

/// [any thread] unless said otherwise.
class DaemonLog final : public Log {
 public:
  static constexpr std::size_t kBufferLimit = std::size_t{4} << 20;

  /// `file` "" is standard error; a file is appended to and created with mode 0640. The error is a
  /// sentence that names the file.
  static std::expected<std::unique_ptr<DaemonLog>, std::string> open(
      std::string file, LogLevel level, std::size_t buffer_limit = kBufferLimit);
  /// Writes what is buffered, then closes. No child log may be used after it.
  ~DaemonLog() override;

  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) noexcept override;
  bool is_on(LogLevel level) const noexcept override {
    return level >= level_.load(std::memory_order_relaxed);
  }
  void set_level(LogLevel level) noexcept { level_.store(level, std::memory_order_relaxed); }

  /// A log whose lines carry `fields` after the event. The parent must outlive it. Children of a
  /// child do not exist: name all the fields here.
  std::unique_ptr<Log> with(std::initializer_list<LogField> fields);

  /// Open the file again by its name (after a rotation); if that fails the old one stays, and a
  /// line says so.
  void reopen() noexcept;
  /// Wait until everything written so far is in the file.
  void flush();
  /// Lines lost since the start because the buffer was full or the file took no more.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  friend class ChildLog;
  DaemonLog(std::string file, int descriptor, LogLevel level, std::size_t buffer_limit);
  void append(LogLevel level, std::string_view event, std::string_view prefix,
              std::initializer_list<LogField> fields) noexcept;
  bool is_urgent() const noexcept;
  void run();
  void write_out(std::string_view lines);
  void reopen_now();
  std::string drop_notice();

  const std::string file_;
  const std::size_t limit_;
  int descriptor_;  ///< the writer thread's
  std::atomic<LogLevel> level_;
  std::atomic<std::uint64_t> dropped_{0};
  std::uint64_t said_ = 0;  ///< the writer thread's: drops already reported
  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::string buffer_;
  bool writing_ = false;
  bool reopen_ = false;
  bool stop_ = false;
  unsigned flushers_ = 0;
  std::thread writer_;  // last: it uses the others
};

}  // namespace postrider::log
