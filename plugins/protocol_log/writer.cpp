// SPDX-License-Identifier: MIT
#include "writer.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include <signal.h>

namespace postrider::protocol_log {
namespace {

using namespace std::chrono_literals;

constexpr auto kGather = 20ms;  // after the first record, for company: a wake-up per batch
constexpr auto kPause = 1s;     // after a fault, before the next try
constexpr std::size_t kBlock = 32 * 1024;

/// A record in the buffer; origin and text follow.
struct Head {
  std::int64_t at;
  std::uint32_t elapsed;
  std::uint16_t origin;
  std::uint16_t text;
  Label label;
  Format format;
  bool recorded;
};

/// A pipe whose reader is gone costs lines (EPIPE), not the process.
void block_sigpipe() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

Record record_of(const Head& head, std::string_view text) {
  return {WallTime(std::chrono::milliseconds(head.at)), Duration(head.elapsed), head.label,
          head.recorded, text};
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

void LogFile::Writer::write(const Record& record, std::string_view origin, Format format) noexcept {
  Head head{};
  head.at = record.at.time_since_epoch().count();
  head.elapsed = static_cast<std::uint32_t>(record.elapsed.count());
  head.origin = static_cast<std::uint16_t>(std::min<std::size_t>(origin.size(), 1024));
  head.text = static_cast<std::uint16_t>(std::min<std::size_t>(record.text.size(), 4096));
  head.label = record.label;
  head.format = format;
  head.recorded = record.recorded;
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    format_ = format;
    const std::size_t size = sizeof head + head.origin + head.text;
    if (buffer_.size() + size > limits_.buffer) {
      ++dropped_;
      return;
    }
    was_empty = buffer_.empty();
    try {
      buffer_.reserve(buffer_.size() + size > buffer_.capacity() ? 2 * (buffer_.size() + size)
                                                                 : buffer_.capacity());
    } catch (...) {  // no memory
      ++dropped_;
      return;
    }
    buffer_.append(reinterpret_cast<const char*>(&head), sizeof head);
    buffer_.append(origin.data(), head.origin).append(record.text.data(), head.text);
  }
  if (was_empty) wake_.notify_one();
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

void LogFile::Writer::run() {
  block_sigpipe();
  std::string records;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return users_ == 0 || reopen_ || !buffer_.empty() || dropped_ > 0; });
    const auto enough = [this] {
      return users_ == 0 || reopen_ || buffer_.size() >= limits_.buffer / 4;
    };
    wake_.wait_for(lock, kGather, enough);
    records.swap(buffer_);
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
    put(records);
    records.clear();
    const bool fails = output_.fails();
    lock.lock();
    if (fails && !last) wake_.wait_for(lock, kPause, [this] { return users_ == 0 || reopen_; });
    if (!last || users_ > 0 || !buffer_.empty()) continue;
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

void LogFile::Writer::put(std::string_view records) {
  std::string lines;
  std::uint64_t lost = 0;
  while (!records.empty()) {
    Head head{};
    std::memcpy(&head, records.data(), sizeof head);
    const std::string_view from = records.substr(sizeof head, head.origin);
    const std::string_view text = records.substr(sizeof head + head.origin, head.text);
    append_line(lines, record_of(head, text), from, head.format);
    records.remove_prefix(sizeof head + head.origin + head.text);
    if (lines.size() < kBlock && !records.empty()) continue;
    lost += output_.put(lines, [this] { return is_left(); });
    lines.clear();
  }
  tell(lost);
}

}  // namespace postrider::protocol_log
