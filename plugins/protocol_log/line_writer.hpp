// SPDX-License-Identifier: MIT
// A file that never makes its user wait: lines go to a bounded buffer, one thread writes them.
// What does not fit, or cannot be written, is dropped, counted and said.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace postrider::protocol_log {

/// Makes the line that says how many were dropped.
using DropNotice = std::function<std::string(std::uint64_t count)>;

class LineWriter {
 public:
  /// Throws std::runtime_error naming the file if it cannot be opened.
  LineWriter(std::string file, std::size_t limit, DropNotice notice);
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;
  ~LineWriter();  ///< writes what is buffered

  /// `line` ends in '\n'. Never waits for the disk.
  void write(std::string_view line) noexcept;
  /// Open the file by its name again; if that fails the old one stays.
  void reopen() noexcept;

 private:
  void run();
  void put(std::string_view lines);
  void drop(std::uint64_t count);

  const std::string file_;
  const std::size_t limit_;
  const DropNotice notice_;
  int descriptor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string buffer_;
  std::uint64_t dropped_ = 0;
  bool reopen_ = false;
  bool stop_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace postrider::protocol_log
