// SPDX-License-Identifier: MIT
// The folder of the queue: is it there, may we write, is there room, and how long does a flush
// take? Every message that is accepted waits for one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <postrider/time.hpp>

#include "control/finding.hpp"

namespace postrider::control {

struct SpoolFacts {
  std::string path;
  bool in_memory = false;  ///< server.store = "memory"
  bool exists = false;
  bool is_folder = false;
  bool parent_exists = false;  ///< of the folder, if it does not exist
  std::string not_writable{};  ///< why not; empty: writable
  std::uint64_t free = 0;      ///< octets
  std::uint64_t largest = 0;   ///< octets of the largest message that is accepted
  std::optional<std::chrono::microseconds> flush{};  ///< the median; nothing: not measured
};

/// Writes, flushes and removes a small temporary file there, and nothing else.
SpoolFacts look_at_spool(const std::string& path);

Findings check_spool(const SpoolFacts& facts);

}  // namespace postrider::control
