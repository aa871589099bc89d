// SPDX-License-Identifier: MIT
// The file itself: opened, written in whole lines, renamed when it is large. Belongs to one thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "log_file.hpp"

namespace postrider::protocol_log {

class Output {
 public:
  explicit Output(std::string path);
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { close(); }

  void set_limits(const FileLimits& limits) noexcept;
  void open();
  void reopen();
  void close() noexcept;
  /// Write whole lines; how many could not be. A full pipe is waited for until gone() is true.
  std::uint64_t put(std::string_view lines, const std::function<bool()>& gone);
  bool fails() const noexcept { return !fault_.empty(); }
  /// A sentence if it began to fail, or works again, since the last call.
  std::optional<std::string> take_change();

 private:
  bool is_open();
  bool wait_for_reader(const std::function<bool()>& gone) const;
  void end_torn_line(std::string_view written);
  void rotate();
  void fault(std::string_view what, int error);

  const std::string path_;
  FileLimits limits_;
  int descriptor_ = -1;
  bool is_regular_ = false;
  bool torn_ = false;  // what was written last is no whole line
  std::uint64_t size_ = 0;
  std::uint64_t rotate_at_ = 0;
  std::chrono::steady_clock::time_point tried_{};
  std::string fault_;  // empty: all is well
  std::string told_;   // the fault that was told last
};

}  // namespace postrider::protocol_log
