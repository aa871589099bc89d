// SPDX-License-Identifier: MIT
#include "output.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace postrider::protocol_log {
namespace {

constexpr auto kRetry = std::chrono::seconds(5);

/// O_NONBLOCK: a pipe without a reader must not hold up whoever opens it.
int open_file(const std::string& path) {
  return ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
}

}  // namespace

Output::Output(std::string path) : path_(std::move(path)) {}

void Output::set_limits(const FileLimits& limits) noexcept {
  if (limits.max_size != limits_.max_size) rotate_at_ = limits.max_size;
  limits_ = limits;
}

void Output::open() {
  tried_ = std::chrono::steady_clock::now();
  const int fresh = open_file(path_);
  if (fresh < 0) return fault("cannot be opened", errno);
  close();
  descriptor_ = fresh;
  struct stat status{};
  is_regular_ = ::fstat(fresh, &status) == 0 && S_ISREG(status.st_mode);
  size_ = is_regular_ ? static_cast<std::uint64_t>(status.st_size) : 0;
  rotate_at_ = limits_.max_size;
  torn_ = false;
  fault_.clear();
}

void Output::reopen() {
  open();
}

void Output::close() noexcept {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

bool Output::is_open() {
  if (descriptor_ < 0 && std::chrono::steady_clock::now() - tried_ >= kRetry) open();
  return descriptor_ >= 0;
}

std::uint64_t Output::put(std::string_view lines, const std::function<bool()>& gone) {
  const std::string_view all = lines;
  const auto lost = [&] { return static_cast<std::uint64_t>(std::ranges::count(lines, '\n')); };
  if (!is_open()) return lost();
  if (torn_ && ::write(descriptor_, "\n", 1) == 1) torn_ = false;
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written > 0) {
      lines.remove_prefix(static_cast<std::size_t>(written));
      size_ += static_cast<std::uint64_t>(written);
    } else if (errno == EAGAIN ? !wait_for_reader(gone) : errno != EINTR) {
      fault("cannot be written", errno);
      end_torn_line(all.substr(0, all.size() - lines.size()));
      return lost();
    }
  }
  fault_.clear();
  if (rotate_at_ > 0 && is_regular_ && size_ >= rotate_at_) rotate();
  return 0;
}

bool Output::wait_for_reader(const std::function<bool()>& gone) const {
  pollfd room{.fd = descriptor_, .events = POLLOUT, .revents = 0};
  if (::poll(&room, 1, 100) >= 0 && !gone()) return true;
  errno = EAGAIN;
  return room.revents != 0;
}

/// A full disk may take half a line: take it back, or end it before the next.
void Output::end_torn_line(std::string_view written) {
  const std::size_t end = written.rfind('\n');
  const std::size_t half = end == written.npos ? written.size() : written.size() - end - 1;
  if (half == 0) return;
  struct stat status{};
  const bool is_known = is_regular_ && ::fstat(descriptor_, &status) == 0 &&
                        status.st_size >= static_cast<off_t>(half);
  const bool is_taken_back =
      is_known && ::ftruncate(descriptor_, status.st_size - static_cast<off_t>(half)) == 0;
  torn_ = !is_taken_back;
  if (is_taken_back) size_ -= half;
}

void Output::rotate() {
  for (unsigned number = limits_.keep; number > 1; --number)
    std::rename((path_ + "." + std::to_string(number - 1)).c_str(),
                (path_ + "." + std::to_string(number)).c_str());
  if (std::rename(path_.c_str(), (path_ + ".1").c_str()) == 0) return open();
  fault("cannot be renamed", errno);
  rotate_at_ = size_ + limits_.max_size;  // not with every line again
}

void Output::fault(std::string_view what, int error) {
  fault_ = what;
  fault_ += ": " + std::system_category().message(error);
}

std::optional<std::string> Output::take_change() {
  if (fault_ == told_) return std::nullopt;
  told_ = fault_;
  if (fault_.empty()) return path_ + " is written again";
  return path_ + " " + fault_ + "; lines are dropped and counted until it works";
}

}  // namespace postrider::protocol_log
