// SPDX-License-Identifier: MIT
// The text of a diagnostic, in the form that editors and people know from compilers.
#include "config/diagnostic.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

namespace postrider::config {

std::string Diagnostic::text() const {
  std::string result = file;
  if (problem.place.line > 0)
    result += fmt::format(":{}:{}", problem.place.line, problem.place.column);
  result += ": ";
  if (!problem.key.empty()) result += problem.key + ": ";
  return result + problem.message;
}

void sort_by_place(std::vector<Diagnostic>& diagnostics) {
  std::sort(diagnostics.begin(), diagnostics.end(), [](const auto& a, const auto& b) {
    return std::tie(a.problem.place, a.problem.key) < std::tie(b.problem.place, b.problem.key);
  });
}

}  // namespace postrider::config
