// SPDX-License-Identifier: MIT
#include "log_file.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <utility>

#include "writer.hpp"

namespace postrider::protocol_log {
namespace {

/// The writers of this process, by path. A writer that still empties its buffer is joined again.
template <class Writer>
struct Register {
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<Writer>> writers;
};

}  // namespace

LogFile::LogFile(const std::string& path, FileLimits limits) {
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
  writer_->leave();
}

void LogFile::write(const Record& record, std::string_view origin, Format format) noexcept {
  writer_->write(record, origin, format);
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
