// SPDX-License-Identifier: MIT
// The log as plugins see it: one event is one line of key=value fields. Never blocks the loop.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace postrider {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// One field of a log line. Values are made printable and quoted where needed.
struct LogField {
  std::string_view key;
  std::string_view value;
};

/// [any thread]
class Log {
 public:
  virtual ~Log() = default;
  /// `event` is a short sentence without values: log.write(info, "lookup failed", {{"name", n}}).
  virtual void write(LogLevel level, std::string_view event,
                     std::initializer_list<LogField> fields = {}) noexcept = 0;
  virtual bool is_on(LogLevel level) const noexcept = 0;
};

}  // namespace postrider
