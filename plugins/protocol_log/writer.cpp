// SPDX-License-Identifier: MIT
#include "writer.hpp"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <signal.h>

namespace postrider::protocol_log {
namespace {

using namespace std::chrono_literals;

constexpr auto kGather = 20ms;  // after the first lines, for company: a wake-up per batch
constexpr auto kPause = 1s;     // after a fault, before the next try

/// A pipe whose reader is gone costs lines (EPIPE), not the process.
void block_sigpipe() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

std::uint64_t count_lines(std::string_view lines) noexcept {
  return static_cast<std::uint64_t>(std::ranges::count(lines, '\n'));
}

}  // namespace

LogFile::Writer::Writer(const std::string& path, FileLimits limits)
    : output_(path), limits_(limits) {
  output_.open();
  tell(0);
}

void LogFile::Writer::start(const std::shared_ptr<Writer>& writer) {
  // The thread may outlive its users, for as long as the disk makes it wait.
  std::thread([writer] { writer->run(); }).detach();
}

bool LogFile::Writer::join(FileLimits limits) {
  const std::lock_guard lock(mutex_);
  if (ended_) return false;
  limits_ = limits;
  ++users_;
  return true;
}

void LogFile::Writer::leave() noexcept {
  std::unique_lock lock(mutex_);
  if (--users_ > 0) return;
  wake_.notify_one();
  if (expects_end_) ended_wake_.wait_for(lock, 2s, [this] { return ended_; });
}

void LogFile::Writer::write(std::string lines, Format format) noexcept {
  const std::size_t size = lines.size();
  bool is_due = false;
  {
    const std::lock_guard lock(mutex_);
    format_ = format;
    bool fits = octets_ + size <= limits_.buffer;
    try {
      if (fits) waiting_.push_back(std::move(lines));
    } catch (...) {  // no memory
      fits = false;
    }
    if (!fits) {
      dropped_ += count_lines(lines);
      return;
    }
    octets_ += size;
    is_due = waiting_.size() == 1 || is_enough();
  }
  if (is_due) wake_.notify_one();
}

void LogFile::Writer::drop(std::uint64_t lines) noexcept {
  const std::lock_guard lock(mutex_);
  dropped_ += lines;
}

void LogFile::Writer::reopen() noexcept {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void LogFile::Writer::expect_end() noexcept {
  const std::lock_guard lock(mutex_);
  expects_end_ = true;
}

std::optional<std::string> LogFile::Writer::news() noexcept {
  if (!has_news_.load(std::memory_order_relaxed)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  if (!has_news_.exchange(false)) return std::nullopt;
  return std::exchange(news_, {});
}

void LogFile::Writer::tell(std::uint64_t lost) {
  auto change = output_.take_change();
  const std::lock_guard lock(mutex_);
  dropped_ += lost;
  if (!change) return;
  news_ = std::move(*change);
  has_news_ = true;
}

bool LogFile::Writer::is_enough() const noexcept {
  return octets_ >= limits_.buffer / 4;
}

void LogFile::Writer::run() {
  block_sigpipe();
  std::vector<std::string> pieces;
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto is_urgent = [this] { return users_ == 0 || reopen_; };
    wake_.wait(lock, [&] { return is_urgent() || !waiting_.empty() || dropped_ > 0; });
    wake_.wait_for(lock, kGather, [&] { return is_urgent() || is_enough(); });
    pieces.swap(waiting_);
    octets_ = 0;
    const std::uint64_t dropped = std::exchange(dropped_, 0);
    const bool reopening = std::exchange(reopen_, false);
    const bool last = users_ == 0;
    const Format format = format_;
    output_.set_limits(limits_);
    lock.unlock();
    if (reopening) {
      output_.reopen();
      tell(0);
    }
    if (dropped > 0) say_dropped(dropped, format);
    put(pieces);
    pieces.clear();
    const bool fails = output_.fails();
    lock.lock();
    if (fails && !last) wake_.wait_for(lock, kPause, is_urgent);
    if (!last || users_ > 0 || !waiting_.empty()) continue;
    ended_ = true;
    lock.unlock();
    output_.close();
    ended_wake_.notify_all();
    return;
  }
}

/// Nobody waits for a pipe that nobody reads once the last user has left.
bool LogFile::Writer::is_left() {
  const std::lock_guard lock(mutex_);
  return users_ == 0;
}

void LogFile::Writer::say_dropped(std::uint64_t count, Format format) {
  const std::string text = std::to_string(count) + " lines were dropped";
  const WallTime now = std::chrono::time_point_cast<Duration>(std::chrono::system_clock::now());
  std::string line;
  append_line(line, {now, {}, Label::dropped, false, text},
              origin("-", Side::server, {}, {}, format), format);
  if (output_.put(line, [this] { return is_left(); }) > 0) tell(count);
}

void LogFile::Writer::put(std::span<const std::string> pieces) {
  std::uint64_t lost = 0;
  for (const std::string& lines : pieces) lost += output_.put(lines, [this] { return is_left(); });
  tell(lost);
}

}  // namespace postrider::protocol_log
