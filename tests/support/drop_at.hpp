// SPDX-License-Identifier: MIT
// Drops a coroutine wherever it can be suspended. A scene is built anew for each run in a fresh
// simulated world, and its task is dropped after n steps, for n = 0, 1, 2, ... until it ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "runtime/sim/sim_world.hpp"

namespace postrider::tests {

/// `make(world)` returns the Task to drop; all it needs lives in its own frame or outlives the
/// call. A step of the world is at most one resumption, so every suspension is met, and also
/// every moment between being made ready and going on. Returns the number of steps of the whole
/// run; 0 when it did not end within `most` steps or got stuck. Run it under ASan.
template <class Make>
std::size_t drop_at_every_step(Make make, std::size_t most = 100'000, std::uint64_t seed = 1) {
  for (std::size_t drop_after = 0; drop_after < most; ++drop_after) {
    runtime::SimWorld world(seed);
    auto task = make(world);
    bool done = task.start();
    for (std::size_t step = 0; step < drop_after && !done; ++step) {
      if (!world.step()) return 0;
      done = task.is_done();
    }
    if (done) return drop_after > 0 ? drop_after : 1;
    task.reset();
    if (!world.run_until_idle()) return 0;
  }
  return 0;
}

}  // namespace postrider::tests
