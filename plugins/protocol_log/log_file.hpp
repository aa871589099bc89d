// SPDX-License-Identifier: MIT
// A log file that never makes its users wait, shared by all loops and by what a reload replaced:
// one writer a file, whatever the number of plugin instances. Lines go to a bounded buffer; one
// thread writes them. What does not fit, or cannot be written, is dropped, counted and said.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <postrider/loop.hpp>

#include "record.hpp"

namespace postrider::protocol_log {

struct FileLimits {
  std::size_t buffer = 4 << 20;  ///< octets that may wait for the disk
  std::uint64_t max_size = 0;    ///< a larger file becomes FILE.1; 0: never
  unsigned keep = 5;             ///< FILE.1 to FILE.keep
};

/// [loop thread] One loop's share of a file. It makes the lines and hands them to the writer many
/// at a time, so that loops meet each other and the writer seldom.
class LogFile final : private Timer {
 public:
  /// Joins the writer of `path`, or starts it; `limits` then hold for all its users.
  LogFile(Loop& loop, const std::string& path, FileLimits limits);
  /// The last user ends the writer; what is buffered is still written.
  ~LogFile() override;

  /// Never waits for the disk.
  void write(const Record& record, std::string_view origin, Format format) noexcept;
  /// Open the file by its name again; if that fails the old one stays.
  void reopen() noexcept;
  /// The daemon stops: then the last user waits for the disk, two seconds at most.
  void expect_end() noexcept;
  /// A sentence for the daemon's log when writing began to fail or works again; each once.
  std::optional<std::string> news() noexcept;

 private:
  class Writer;
  void hand_over() noexcept;
  void expired() noexcept override { hand_over(); }

  Loop& on_;
  std::shared_ptr<Writer> writer_;
  std::string lines_;  // not handed over yet
  Format format_ = Format::text;
};

}  // namespace postrider::protocol_log
