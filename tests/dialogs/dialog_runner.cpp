// SPDX-License-Identifier: MIT
// dialog_runner FILE.smtp: plays one dialog; at a difference it says where, what, and what was
// said until then.
#include <cstdio>

#include <fmt/format.h>

#include "support/dialog_player.hpp"

int main(int count, char** words) {
  using namespace postrider::sim;
  if (count != 2) return std::fputs("usage: dialog_runner FILE.smtp\n", stderr), 64;
  const std::string file = words[1];
  try {
    DialogPlayer player(read_steps(file));
    try {
      player.play();
      return 0;
    } catch (const Mismatch& mismatch) {
      fmt::print(stderr, "{}:{}: {}\n\nso far:\n{}", file, player.line(), mismatch.what(),
                 player.transcript());
    }
  } catch (const Mismatch& mismatch) {
    fmt::print(stderr, "{}: {}\n", file, mismatch.what());
  }
  return 1;
}
