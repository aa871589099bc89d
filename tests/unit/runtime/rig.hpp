// SPDX-License-Identifier: MIT
// The two runtimes behind one face, so that the same tests run on both.
#pragma once

#include <memory>
#include <utility>

#include <gtest/gtest.h>

#include "runtime/sim/sim_world.hpp"
#include "runtime/task_set.hpp"
#include "runtime/uv/uv_runtime.hpp"

namespace postrider::runtime {

class UvRig {
 public:
  Runtime& runtime() { return *runtime_; }

 private:
  std::unique_ptr<Runtime> runtime_ = make_uv_runtime();
};

class SimRig {
 public:
  Runtime& runtime() { return world_.loop(); }

 private:
  SimWorld world_{7};
};

/// Ends a run that would hang.
class Watchdog final : public Timer {
 public:
  explicit Watchdog(Runtime& runtime) : runtime_(runtime) { runtime.start_timer(*this, 60s); }
  void expired() noexcept override { runtime_.stop(); }

 private:
  Runtime& runtime_;
};

inline Task<void> then_stop(Task<void> body, Runtime& runtime, bool& done) {
  co_await body;
  done = true;
  runtime.stop();
}

/// Run `body` on the loop; false if it did not end within a minute.
inline bool run_on(Runtime& runtime, Task<void> body) {
  bool done = false;
  TaskSet tasks(runtime);
  const Watchdog watchdog(runtime);
  tasks.spawn(then_stop(std::move(body), runtime, done));
  runtime.run();
  return done;
}

inline SocketAddress loopback(std::uint16_t port = 0) {
  return {.address = IpAddress::parse("127.0.0.1").value(), .port = port};
}

template <class Rig>
class OnBoth : public testing::Test {
 protected:
  Runtime& runtime() { return rig_.runtime(); }
  bool run(Task<void> body) { return run_on(runtime(), std::move(body)); }

 private:
  Rig rig_;
};
using Rigs = testing::Types<UvRig, SimRig>;

}  // namespace postrider::runtime
