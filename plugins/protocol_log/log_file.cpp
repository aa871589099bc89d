// SPDX-License-Identifier: MIT
#include "log_file.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <utility>

#include "writer.hpp"

namespace postrider::protocol_log {
namespace {

constexpr auto kGather = 20ms;                // a line waits so long for company
constexpr std::size_t kTogether = 32 * 1024;  // octets that go at once

/// The writers of this process, by path. A writer that still empties its buffer is joined again.
template <class Writer>
struct Register {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<Writer>> writers;
};

}  // namespace

LogFile::LogFile(Loop& loop, const std::string& path, FileLimits limits) : on_(loop) {
  static Register<Writer> known;
  const std::lock_guard lock(known.mutex);
  std::weak_ptr<Writer>& place = known.writers[path];
  writer_ = place.lock();
  if (writer_ && writer_->join(limits)) return;
  writer_ = std::make_shared<Writer>(path, limits);
  place = writer_;
  Writer::start(writer_);
}

LogFile::~LogFile() {
  hand_over();
  writer_->leave();
}

void LogFile::write(const Record& record, std::string_view origin, Format format) noexcept {
  const std::size_t before = lines_.size();
  try {
    append_line(lines_, record, origin, format);
  } catch (...) {  // no memory
    lines_.resize(before);
    return writer_->drop(1);
  }
  format_ = format;
  if (lines_.size() >= kTogether) return hand_over();
  if (before == 0) on_.start_timer(*this, kGather);
}

void LogFile::hand_over() noexcept {
  if (is_running()) on_.stop_timer(*this);
  if (!lines_.empty()) writer_->write(std::exchange(lines_, {}), format_);
}

void LogFile::reopen() noexcept {
  writer_->reopen();
}

void LogFile::expect_end() noexcept {
  writer_->expect_end();
}

std::optional<std::string> LogFile::news() noexcept {
  return writer_->news();
}

}  // namespace postrider::protocol_log
