// SPDX-License-Identifier: MIT
#include "control/misuse.hpp"

#include <charconv>
#include <cstdint>
#include <limits>

#include <fmt/format.h>

#include <postrider/schema.hpp>

#include "control/tool.hpp"

namespace postrider::control {
namespace {

/// The command that the words had come to: its full name, "postrider queue".
const CLI::App& last_of(const CLI::App& app, std::string& name) {
  const CLI::App* last = &app;
  while (!last->get_subcommands().empty()) {
    last = last->get_subcommands().front();
    name += " " + last->get_name();
  }
  return *last;
}

std::string missing_command(const CLI::App& command, const std::vector<std::string>& words) {
  std::vector<std::string> known;
  for (const CLI::App* one : command.get_subcommands({})) known.push_back(one->get_name());
  if (words.empty()) return fmt::format("a command is missing: {}", fmt::join(known, ", "));
  if (words.front().starts_with('-'))
    return fmt::format("there is no option \"{}\"", words.front());
  return fmt::format("there is no command \"{}\"; {}", words.front(),
                     setting::suggestion(words.front(), known));
}

}  // namespace

int end_of_parsing(const CLI::App& app, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  std::string name = "postrider";
  const CLI::App& last = last_of(app, name);
  const bool lacks_command =
      last.get_subcommands().empty() && last.get_require_subcommand_min() > 0;
  const std::string what =
      lacks_command ? missing_command(last, app.remaining(true)) : error.what();
  const std::string_view link = what.ends_with('?') ? " See" : "; see";
  return complain(fmt::format("{}{} {} --help", what, link, name), kUsage);
}

CLI::Validator whole_number(std::uint32_t least) {
  const auto check = [least](const std::string& text) -> std::string {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc() && stop == end && value >= least) return {};
    return fmt::format("\"{}\" is not a number from {} to {}", text, least,
                       std::numeric_limits<std::uint32_t>::max());
  };
  return {check, ""};
}

}  // namespace postrider::control
