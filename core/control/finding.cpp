// SPDX-License-Identifier: MIT
#include "control/finding.hpp"

#include <algorithm>
#include <utility>

namespace postrider::control {

std::string_view grade_name(Grade grade) noexcept {
  return grade == Grade::ok ? "ok" : grade == Grade::warning ? "warning" : "wrong";
}

Grade worst_of(const Findings& findings) noexcept {
  Grade worst = Grade::ok;
  for (const Finding& finding : findings) worst = std::max(worst, finding.grade);
  return worst;
}

Finding ok(std::string check, std::string text) {
  return {Grade::ok, std::move(check), std::move(text)};
}

Finding warning(std::string check, std::string text, std::string advice) {
  return {Grade::warning, std::move(check), std::move(text), std::move(advice)};
}

Finding wrong(std::string check, std::string text, std::string advice) {
  return {Grade::wrong, std::move(check), std::move(text), std::move(advice)};
}

}  // namespace postrider::control
