// SPDX-License-Identifier: MIT
// The small language that dialogs and scenarios share: words, patterns, escapes, and a script cut
// into steps.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/time.hpp>

namespace postrider::sim {

/// What a script expected and did not get, or a script that makes no sense.
class Mismatch : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// One line at the margin, and the indented lines below it without their indentation.
struct Step {
  std::size_t line = 0;  ///< in the file, from 1
  std::string text;
  std::vector<std::string> block;
};

/// Lines that begin with "#" and empty lines are left out. Throws Mismatch if there is no file.
std::vector<Step> read_steps(const std::string& file);

/// "*" in `pattern` stands for anything, "\*" for a star, the rest for itself.
bool matches(std::string_view pattern, std::string_view text);

/// \r \n \t \0 \\ and \xNN; a backslash before anything else stays. One at the very end is dropped.
std::string unescape(std::string_view text);
/// The other way round, for people: whatever is not printable as an escape.
std::string escape(std::string_view text);

/// Whether `rest` begins with `word` and a blank or its end; then `rest` loses them.
bool take_word(std::string_view& rest, std::string_view word);
/// The next word of `rest`, which loses it; "" at the end.
std::string next_word(std::string_view& rest);
/// A duration, or a mismatch that names it.
Duration duration_of(std::string_view text);
/// A number, or a mismatch that names it.
std::size_t number_of(std::string_view text);
/// All lines with their line ends.
std::string joined(const std::vector<std::string>& lines);

}  // namespace postrider::sim
