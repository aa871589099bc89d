// SPDX-License-Identifier: MIT
// Looking into what the doctor found.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/finding.hpp"

namespace postrider::control {

/// "wrong names.ptr: text -> advice", a line each.
inline std::vector<std::string> lines_of(const Findings& findings) {
  std::vector<std::string> lines;
  for (const Finding& finding : findings) {
    std::string line(grade_name(finding.grade));
    line += " " + finding.check + ": " + finding.text;
    if (!finding.advice.empty()) line += " -> " + finding.advice;
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace postrider::control
