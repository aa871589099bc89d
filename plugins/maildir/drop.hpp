// SPDX-License-Identifier: MIT
// One copy of one message on its way into one Maildir: written under tmp, made durable, renamed
// into new. All calls block: they belong on a helper thread.
#pragma once

#include <string>
#include <string_view>

namespace postrider::maildir {

/// CRLF becomes LF, across pieces too; a bare CR stays.
class LineEnds {
 public:
  /// Append `octets` to `target` in local form.
  void append(std::string_view octets, std::string& target);
  /// What was held back at the end.
  void finish(std::string& target);

 private:
  bool held_ = false;
};

/// Not copied; used by one thread at a time. The first failure is kept; later steps do nothing.
class Drop {
 public:
  Drop(std::string mailbox, std::string name, std::string head);
  Drop(const Drop&) = delete;
  Drop& operator=(const Drop&) = delete;
  ~Drop();  ///< removes what was not committed

  void begin();                       ///< folders, the file under tmp, the head
  void write(std::string_view text);  ///< local line ends
  void commit();                      ///< fsync, rename into new, fsync of new

  /// 0, or the errno of the first failure and what was being done.
  int error() const noexcept { return error_; }
  const std::string& step() const noexcept { return step_; }

 private:
  void fail(std::string step);
  std::string mailbox_;
  std::string name_;
  std::string head_;
  int file_ = -1;
  int error_ = 0;
  bool in_tmp_ = false;
  std::string step_;
};

/// A name no other delivery has: time, process, counter, host (the Maildir convention).
std::string unique_name(std::string_view hostname);

}  // namespace postrider::maildir
