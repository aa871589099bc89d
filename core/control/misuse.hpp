// SPDX-License-Identifier: MIT
// Wrong arguments of the tool, in one line of our own words: CLI11 says of an unknown command only
// that one is missing.
#pragma once

#include <CLI/CLI.hpp>

namespace postrider::control {

/// Print what is wrong with the arguments, or the help if that was asked for; the exit code.
int end_of_parsing(const CLI::App& app, const CLI::ParseError& error);

/// For an option: a whole number from `least` to 4294967295, or the complaint names the range.
CLI::Validator whole_number(std::uint32_t least);

}  // namespace postrider::control
