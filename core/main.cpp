// SPDX-License-Identifier: MIT
// postriderd: arguments, configuration, exit codes (sysexits.h). Everything else is in server.cpp.
#include <cstdio>
#include <string>
#include <string_view>

#include "server.hpp"

namespace {

constexpr std::string_view kUsage =
    "postriderd: the Postrider mail transfer agent\n"
    "\n"
    "  postriderd --config FILE           serve in the foreground until SIGTERM\n"
    "  postriderd --config FILE --check   read the configuration and the plugins, say every "
    "mistake\n"
    "  postriderd --version\n"
    "\n"
    "FILE is /etc/postrider/postrider.toml if not given. SIGHUP reloads it, SIGUSR1 reopens log\n"
    "files, SIGTERM finishes what is under way and stops. Exit codes: 0 stopped as asked, 64 "
    "wrong\n"
    "arguments, 69 cannot listen, 74 the spool cannot be opened, 78 the configuration or a plugin\n"
    "is wrong. The operator's tool is postrider.\n";

struct Arguments {
  std::string config = "/etc/postrider/postrider.toml";
  bool check = false;
};

void complain(const std::string& line) {
  std::fprintf(stderr, "postriderd: %s\n", line.c_str());
}

/// The exit code to end with at once, or -1 to go on.
int read_arguments(int count, char** words, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--help" || word == "-h") {
      std::fputs(kUsage.data(), stdout);
      return 0;
    }
    if (word == "--version") {
      std::puts("postriderd " POSTRIDER_VERSION);
      return 0;
    }
    if (word == "--check") {
      arguments.check = true;
    } else if (word == "--config") {
      if (++i == count) {
        complain("--config needs a FILE; see postriderd --help");
        return 64;
      }
      arguments.config = words[i];
    } else if (word.starts_with("--config=")) {
      arguments.config = word.substr(9);
    } else {
      complain("unknown argument \"" + std::string(word) + "\"; see postriderd --help");
      return 64;
    }
  }
  return -1;
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  if (const int code = read_arguments(count, words, arguments); code >= 0) return code;
  auto configuration = postrider::load_configuration(arguments.config);
  if (!configuration) {
    for (const std::string& mistake : configuration.error())
      std::fprintf(stderr, "%s\n", mistake.c_str());
    return postrider::kExitConfig;
  }
  if (arguments.check) {
    std::printf("%s: ok\n", arguments.config.c_str());
    return 0;
  }
  return postrider::Server(std::move(*configuration)).run(complain);
}
