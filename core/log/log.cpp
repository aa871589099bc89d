// SPDX-License-Identifier: MIT
// The daemon's log: lines are made by the caller, written by one thread.
#include "log/log.hpp"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include "log/escape.hpp"

namespace postrider::log {
namespace {

/// After the first line, for company: under load one wake-up and one write do for many lines.
constexpr auto kGather = std::chrono::milliseconds(5);

int open_file(const std::string& file) {
  if (file.empty()) return ::dup(STDERR_FILENO);
  return ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

std::string error_text(int error) {
  return std::system_category().message(error);
}

/// The calendar is worked out once a second, not once a line.
void append_time(std::string& line, WallTime at) {
  thread_local std::chrono::sys_seconds known{};
  thread_local std::string text;
  const auto second = std::chrono::floor<std::chrono::seconds>(at);
  if (second != known || text.empty()) {
    const auto day = std::chrono::floor<std::chrono::days>(second);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss time(second - day);
    text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.", int{date.year()},
                       unsigned{date.month()}, unsigned{date.day()}, time.hours().count(),
                       time.minutes().count(), time.seconds().count());
    known = second;
  }
  const auto milliseconds = static_cast<int>((at - second).count());
  line += text;
  line += static_cast<char>('0' + milliseconds / 100);
  line += static_cast<char>('0' + milliseconds / 10 % 10);
  line += static_cast<char>('0' + milliseconds % 10);
  line += 'Z';
}

void append_fields(std::string& line, std::initializer_list<LogField> fields) {
  for (const LogField& field : fields) {
    line += ' ';
    line.append(field.key) += '=';
    append_value(line, field.value);
  }
}

WallTime wall_now() {
  return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

/// A pipe whose reader is gone costs lines (EPIPE), not the process.
void block_sigpipe() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGPIPE);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

}  // namespace

std::string_view level_name(LogLevel level) noexcept {
  static constexpr std::array<std::string_view, 4> kNames{"debug", "info", "warning", "error"};
  return kNames[static_cast<std::size_t>(level) % kNames.size()];
}

std::string format_line(WallTime at, LogLevel level, std::string_view event,
                        std::string_view prefix, std::initializer_list<LogField> fields) {
  std::string line;
  line.reserve(192);
  append_time(line, at);
  line += ' ';
  line.append(level_name(level)).append(" event=");
  append_quoted(line, event);
  line += prefix;
  append_fields(line, fields);
  line += '\n';
  return line;
}

/// Adds its prefix to every line of its parent.
class ChildLog final : public Log {
 public:
  ChildLog(DaemonLog& parent, std::string prefix) : parent_(parent), prefix_(std::move(prefix)) {}
  void write(LogLevel level, std::string_view event,
             std::initializer_list<LogField> fields) noexcept override {
    parent_.append(level, event, prefix_, fields);
  }
  bool is_on(LogLevel level) const noexcept override { return parent_.is_on(level); }

 private:
  DaemonLog& parent_;
  const std::string prefix_;
};

std::expected<std::unique_ptr<DaemonLog>, std::string> DaemonLog::open(std::string file,
                                                                       LogLevel level,
                                                                       std::size_t buffer_limit) {
  const int descriptor = open_file(file);
  if (descriptor < 0)
    return std::unexpected(fmt::format("the log file {} cannot be opened: {}",
                                       file.empty() ? "(standard error)" : file,
                                       error_text(errno)));
  return std::unique_ptr<DaemonLog>(
      new DaemonLog(std::move(file), descriptor, level, buffer_limit));
}

DaemonLog::DaemonLog(std::string file, int descriptor, LogLevel level, std::size_t buffer_limit)
    : file_(std::move(file)),
      limit_(buffer_limit),
      descriptor_(descriptor),
      level_(level),
      writer_([this] { run(); }) {}

DaemonLog::~DaemonLog() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  writer_.join();
  ::close(descriptor_);
}

void DaemonLog::write(LogLevel level, std::string_view event,
                      std::initializer_list<LogField> fields) noexcept {
  append(level, event, {}, fields);
}

std::unique_ptr<Log> DaemonLog::with(std::initializer_list<LogField> fields) {
  std::string prefix;
  append_fields(prefix, fields);
  return std::make_unique<ChildLog>(*this, std::move(prefix));
}

void DaemonLog::append(LogLevel level, std::string_view event, std::string_view prefix,
                       std::initializer_list<LogField> fields) noexcept {
  if (!is_on(level)) return;
  try {
    const std::string line = format_line(wall_now(), level, event, prefix, fields);
    bool is_due = false;
    {
      const std::lock_guard lock(mutex_);
      if (buffer_.size() + line.size() > limit_) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return;
      }
      is_due = buffer_.empty() || is_urgent();
      buffer_ += line;
    }
    if (is_due) wake_.notify_one();
  } catch (...) {  // no memory for a line
    dropped_.fetch_add(1, std::memory_order_relaxed);
  }
}

void DaemonLog::reopen() noexcept {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  wake_.notify_one();
}

void DaemonLog::flush() {
  std::unique_lock lock(mutex_);
  ++flushers_;
  wake_.notify_one();
  idle_.wait(lock, [this] { return buffer_.empty() && !reopen_ && !writing_; });
  --flushers_;
}

/// Is there a reason not to wait for more lines?
bool DaemonLog::is_urgent() const noexcept {
  return stop_ || reopen_ || flushers_ > 0 || buffer_.size() >= limit_ / 4;
}

void DaemonLog::run() {
  block_sigpipe();
  std::string lines;
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || reopen_ || !buffer_.empty(); });
    wake_.wait_for(lock, kGather, [this] { return is_urgent(); });
    lines.swap(buffer_);
    const bool reopening = std::exchange(reopen_, false);
    const bool stopping = stop_;
    writing_ = true;
    lock.unlock();
    write_out(lines);  // what came before the rotation belongs to the old file
    lines.clear();
    if (reopening) reopen_now();
    write_out(drop_notice());
    lock.lock();
    writing_ = false;
    idle_.notify_all();
    if (stopping && buffer_.empty()) return;
  }
}

std::string DaemonLog::drop_notice() {
  const std::uint64_t dropped = dropped_.load(std::memory_order_relaxed);
  if (dropped == said_) return {};
  const std::string count = fmt::to_string(dropped - std::exchange(said_, dropped));
  return format_line(wall_now(), LogLevel::warning, "log lines were dropped", {},
                     {{"count", count}});
}

void DaemonLog::write_out(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written > 0) {
      lines.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno != EINTR) {  // a full disk, a closed pipe: these lines are lost, and counted
      for (const char c : lines)
        if (c == '\n') dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
  }
}

void DaemonLog::reopen_now() {
  const int fresh = open_file(file_);
  if (fresh >= 0) {
    ::close(std::exchange(descriptor_, fresh));
    return;
  }
  const std::string reason = error_text(errno);
  write_out(format_line(wall_now(), LogLevel::error, "the log file cannot be opened again", {},
                        {{"file", file_}, {"reason", reason}}));
}

}  // namespace postrider::log
