// SPDX-License-Identifier: MIT
// scenario_runner FILE.scn [LOOPS]: plays one scenario; at a difference it says where, what, and
// how things stood.
#include <cstdio>

#include <fmt/format.h>

#include "support/scenario_player.hpp"

int main(int count, char** words) {
  using namespace postrider::sim;
  if (count < 2) return std::fputs("usage: scenario_runner FILE.scn [LOOPS]\n", stderr), 64;
  const std::string file = words[1];
  try {
    const std::size_t loops = count > 2 ? number_of(words[2]) : 1;
    ScenarioPlayer player(read_steps(file), static_cast<unsigned>(loops));
    try {
      player.play();
      return 0;
    } catch (const Mismatch& mismatch) {
      fmt::print(stderr, "{}:{}: {}\n\n{}", file, player.line(), mismatch.what(), player.report());
    }
  } catch (const Mismatch& mismatch) {
    fmt::print(stderr, "{}: {}\n", file, mismatch.what());
  }
  return 1;
}
