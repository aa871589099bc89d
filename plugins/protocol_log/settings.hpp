// SPDX-License-Identifier: MIT
// The keys of a [[plugin]] block that uses protocol_log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/sdk.hpp>

#include "filter.hpp"
#include "record.hpp"

namespace postrider::protocol_log {

enum class Level : std::uint8_t { off, connections, commands, full };
std::string_view level_name(Level level) noexcept;

struct Settings {
  Level level = Level::commands;
  Format format = Format::text;
  std::string file = "/var/log/postrider/protocol.log";
  Direction direction = Direction::both;
  std::vector<std::string> networks;
  std::vector<std::string> hosts;
  std::vector<std::string> senders;
  std::vector<std::string> recipients;
  Size buffer = 4_MiB;
  Size max_size;
  int keep = 5;
  int recorder = 100;
  Size record_size = 16_KiB;
  bool check_own_name = true;

  static void describe(Schema<Settings>& schema);
  Filter filter() const;
};

}  // namespace postrider::protocol_log
