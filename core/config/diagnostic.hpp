// SPDX-License-Identifier: MIT
// One mistake in the configuration, as the operator sees it.
#pragma once

#include <string>
#include <vector>

#include <postrider/setting_value.hpp>

namespace postrider::config {

/// A mistake and the file it is in.
struct Diagnostic {
  std::string file;
  Problem problem;

  /// `file:line:column: key: what is wrong; what would be right`; without place or key if unknown.
  std::string text() const;
};

/// Sorts by place in the file, then by key.
void sort_by_place(std::vector<Diagnostic>& diagnostics);

}  // namespace postrider::config
