// SPDX-License-Identifier: MIT
// One [[plugin]] block of the configuration, as the plugin host needs it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <postrider/schema.hpp>
#include <postrider/time.hpp>

namespace postrider::plugin {

/// What happens when a plugin throws, answers nonsense, or runs out of time.
enum class FailurePolicy : std::uint8_t { defer, pass, reject };

/// shadow: its answers are logged and not applied.
enum class Mode : std::uint8_t { active, shadow };

struct Block {
  std::string use;  ///< library name (NAME.so in the plugin path) or an absolute path
  std::string id;   ///< unique; "" becomes the library's own name
  bool enabled = true;
  FailurePolicy on_error = FailurePolicy::defer;
  FailurePolicy on_timeout = FailurePolicy::defer;
  Duration hook_timeout = 30s;
  Mode mode = Mode::active;
  SettingTable settings;  ///< the plugin's own keys
  Place place;            ///< where the block begins
};

}  // namespace postrider::plugin
