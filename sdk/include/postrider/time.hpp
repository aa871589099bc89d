// SPDX-License-Identifier: MIT
// The three kinds of time a mail server needs: lengths, the clock that never jumps, the calendar.
#pragma once

#include <chrono>

namespace postrider {

using namespace std::chrono_literals;

/// A length of time, in milliseconds; never negative in settings.
using Duration = std::chrono::milliseconds;

/// A point on the monotonic clock of a loop: for waiting, timeouts and TTLs. Virtual in tests.
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// A point on the calendar, UTC: for headers, logs, and the age of a message. May jump.
using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;

}  // namespace postrider
