// SPDX-License-Identifier: MIT
#include "line_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

namespace postrider::protocol_log {
namespace {

int open_file(const std::string& file) {
  return ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

/// A pipe whose reader is gone costs lines (EPIPE), not the process.
void block_sigpipe() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

LineWriter::LineWriter(std::string file, std::size_t limit, DropNotice notice)
    : file_(std::move(file)),
      limit_(limit),
      notice_(std::move(notice)),
      descriptor_(open_file(file_)) {
  if (descriptor_ < 0)
    throw std::runtime_error("the file " + file_ +
                             " cannot be opened: " + std::system_category().message(errno));
  thread_ = std::thread([this] { run(); });
}

LineWriter::~LineWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
  ::close(descriptor_);
}

void LineWriter::write(std::string_view line) noexcept {
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (buffer_.size() + line.size() > limit_) {
      ++dropped_;
      return;
    }
    was_empty = buffer_.empty();
    try {
      buffer_ += line;
    } catch (...) {  // no memory
      ++dropped_;
    }
  }
  if (was_empty) wake_.notify_one();
}

void LineWriter::reopen() noexcept {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void LineWriter::run() {
  block_sigpipe();
  std::string lines;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || reopen_ || !buffer_.empty(); });
    lines.swap(buffer_);
    const std::uint64_t dropped = std::exchange(dropped_, 0);
    const bool reopening = std::exchange(reopen_, false);
    const bool stopping = stop_;
    lock.unlock();
    put(lines);
    lines.clear();
    if (dropped > 0) put(notice_(dropped));
    if (reopening)
      if (const int fresh = open_file(file_); fresh >= 0)
        ::close(std::exchange(descriptor_, fresh));
    lock.lock();
    if (stopping && buffer_.empty()) return;
  }
}

void LineWriter::put(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written > 0)
      lines.remove_prefix(static_cast<std::size_t>(written));
    else if (errno != EINTR)
      return drop(static_cast<std::uint64_t>(std::ranges::count(lines, '\n')));
  }
}

void LineWriter::drop(std::uint64_t count) {
  const std::lock_guard lock(mutex_);
  dropped_ += count;
}

}  // namespace postrider::protocol_log
