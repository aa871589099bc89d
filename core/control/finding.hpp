// SPDX-License-Identifier: MIT
// What `postrider doctor` says about one thing: how it stands, and what to do about it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace postrider::control {

/// The values are exit codes: the worst finding decides.
enum class Grade : std::uint8_t { ok = 0, warning = 1, wrong = 2 };

struct Finding {
  Grade grade = Grade::ok;
  std::string check;     ///< "names.ptr": the group and what was looked at
  std::string text;      ///< what was found
  std::string advice{};  ///< what to do; empty when all is well
};
using Findings = std::vector<Finding>;

/// "ok", "warning", "wrong"
std::string_view grade_name(Grade grade) noexcept;
Grade worst_of(const Findings& findings) noexcept;

Finding ok(std::string check, std::string text);
Finding warning(std::string check, std::string text, std::string advice);
Finding wrong(std::string check, std::string text, std::string advice);

}  // namespace postrider::control
