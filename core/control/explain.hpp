// SPDX-License-Identifier: MIT
// `postrider explain KEY`: what a key of the core or of a plugin means. A plugin's keys are in its
// library, which is loaded for that; nothing of it is started.
#pragma once

#include <expected>
#include <string>

namespace postrider::control {

struct Explaining {
  /// "smtp.max_line", "smtp", "ndr.delay_notice", "plugin.ndr.delay_notice", or by a block's id.
  std::string key;
  /// Names the folders of the plugins and the ids of their blocks; the usual file may be absent.
  std::string file = "/etc/postrider/postrider.toml";
};

/// The text, or what is wrong and what would be right.
std::expected<std::string, std::string> explain(const Explaining& explaining);

}  // namespace postrider::control
