// SPDX-License-Identifier: MIT
#include "drop.hpp"

#include <atomic>
#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

namespace postrider::maildir {
namespace {

bool sync_folder(const std::string& folder) {
  const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (handle < 0) return false;
  const bool synced = ::fsync(handle) == 0;
  const int error = errno;
  ::close(handle);
  errno = error;
  return synced;
}

/// Make `folder` and what is missing above it, durably.
bool make_folder(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0700) != 0) {
    if (errno == EEXIST) return true;
    const std::size_t slash = folder.rfind('/');
    if (errno != ENOENT || slash == 0 || slash == folder.npos) return false;
    if (!make_folder(folder.substr(0, slash)) ||
        (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST))
      return false;
  }
  const std::size_t slash = folder.rfind('/');
  return sync_folder(slash == 0 ? "/" : folder.substr(0, slash));
}

}  // namespace

void LineEnds::append(std::string_view octets, std::string& target) {
  for (const char c : octets) {
    if (held_ && c != '\n') target += '\r';
    held_ = c == '\r';
    if (!held_) target += c;
  }
}

void LineEnds::finish(std::string& target) {
  if (std::exchange(held_, false)) target += '\r';
}

Drop::Drop(std::string mailbox, std::string name, std::string head)
    : mailbox_(std::move(mailbox)), name_(std::move(name)), head_(std::move(head)) {}

Drop::~Drop() {
  if (file_ >= 0) ::close(file_);
  if (in_tmp_) ::unlink((mailbox_ + "/tmp/" + name_).c_str());
}

void Drop::fail(std::string step) {
  error_ = errno != 0 ? errno : EIO;
  step_ = std::move(step);
}

void Drop::begin() {
  for (const char* folder : {"/tmp", "/new", "/cur"})
    if (!make_folder(mailbox_ + folder)) return fail("make the folder " + mailbox_ + folder);
  const std::string file = mailbox_ + "/tmp/" + name_;
  file_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file_ < 0) return fail("make a file in " + mailbox_ + "/tmp");
  in_tmp_ = true;
  write(head_);
}

void Drop::write(std::string_view text) {
  while (error_ == 0 && !text.empty()) {
    const ssize_t written = ::write(file_, text.data(), text.size());
    if (written > 0)
      text.remove_prefix(static_cast<std::size_t>(written));
    else if (written == 0 || errno != EINTR)
      fail("write to " + mailbox_ + "/tmp");
  }
}

void Drop::commit() {
  if (error_ != 0) return;
  if (::fsync(file_) != 0) return fail("flush a file in " + mailbox_ + "/tmp");
  if (::close(std::exchange(file_, -1)) != 0) return fail("close a file in " + mailbox_ + "/tmp");
  const std::string from = mailbox_ + "/tmp/" + name_;
  const std::string to = mailbox_ + "/new/" + name_;
  if (::rename(from.c_str(), to.c_str()) != 0) return fail("move a file into " + mailbox_ + "/new");
  in_tmp_ = false;
  if (!sync_folder(mailbox_ + "/new")) fail("flush the folder " + mailbox_ + "/new");
}

std::string unique_name(std::string_view hostname) {
  static std::atomic<unsigned long> counter{0};
  timeval now{};
  ::gettimeofday(&now, nullptr);
  std::string name = std::to_string(now.tv_sec) + ".M" + std::to_string(now.tv_usec) + "P" +
                     std::to_string(::getpid()) + "Q" +
                     std::to_string(counter.fetch_add(1, std::memory_order_relaxed)) + ".";
  for (const char c : hostname) {
    if (c == '/')
      name += "\\057";
    else if (c == ':')
      name += "\\072";
    else
      name += c;
  }
  return name;
}

}  // namespace postrider::maildir
