// SPDX-License-Identifier: MIT
// Everything that waits on a loop is forced on by that loop's timers. The watchdog is for what
// timers cannot help: a loop that stands still (a plugin blocks it), a disk that does not answer,
// an end that does not come. It notices, says so, shows it, and at its limit ends the process.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <postrider/log.hpp>
#include <postrider/time.hpp>

#include "runtime/place.hpp"
#include "runtime/runtime.hpp"

namespace postrider::watchdog {

/// A loop that has not turned for a while.
struct Standing {
  std::string loop;
  Duration since{};
  std::string in;  ///< "greylist/rcpt", a library's name, or "" if the core itself is at work
};

struct Limits {
  Duration notice = 3s;    ///< a loop that does not turn for so long is named
  Duration disk = 10s;     ///< the same for a disk on which no commit ends
  Duration stall = 5min;   ///< then the process ends
  Duration interval = 1s;  ///< between two looks
};

class Watchdog {
 public:
  /// `end` ends the process; it is called once, with the reason.
  Watchdog(Log& log, Limits limits, std::function<void(const std::string&)> end);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog() { stop(); }

  /// Watch a loop from now on; it outlives stop(). `disk_wait`, called on the loop, tells for how
  /// long commits have waited in vain.
  void watch(std::string name, runtime::Runtime& loop, std::function<Duration()> disk_wait = {});
  /// The process is about to end: if it has not by then, it is ended. The nearest limit counts.
  void end_within(Duration limit);

  /// Look again and again, on a thread of the watchdog's own; tells systemd that we live.
  void start();
  /// Idempotent; before the watched loops go.
  void stop();
  /// One look. start() does this; tests call it with their own time.
  void look(TimePoint now);

  /// [any thread] The loops that stand still as of the last look.
  std::vector<Standing> standing() const;
  bool is_standing(const std::string& loop) const;
  /// [any thread] For how long commits have waited in vain, if that is long.
  std::optional<Duration> silent_disk() const;

 private:
  /// What a loop writes and the watchdog reads. Shared, because a posted ping may come late.
  struct Pulse {
    std::atomic<std::uint64_t> answered{0};
    std::shared_ptr<const runtime::Place> place;  ///< there once the first ping is answered
    std::atomic<Duration::rep> disk_wait{0};
  };
  struct Watched {
    std::string name;
    runtime::Runtime* loop;
    std::function<Duration()> disk_wait;
    std::shared_ptr<Pulse> pulse = std::make_shared<Pulse>();
    std::uint64_t asked = 0;
    TimePoint asked_at{};
    Duration stood{};  ///< of a loop that stands still; 0 otherwise
    std::string in{};
  };

  void run();
  void look_at(Watched& watched, TimePoint now);
  void look_at_disk();
  void look_at_memory();
  void end(const std::string& reason);

  Log& log_;
  const Limits limits_;
  const std::function<void(const std::string&)> end_;
  mutable std::mutex mutex_;  ///< everything below but the thread
  std::condition_variable wake_;
  std::vector<Watched> watched_;
  std::optional<TimePoint> looked_at_;
  std::optional<Duration> time_left_;  ///< to the end that was announced
  Duration disk_wait_{};
  bool disk_is_silent_ = false;
  bool memory_is_short_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace postrider::watchdog
