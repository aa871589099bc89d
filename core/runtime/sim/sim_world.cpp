// SPDX-License-Identifier: MIT
// The loops take turns in single steps, chosen by chance, so that a test with another seed sees
// another interleaving.
#include "runtime/sim/sim_world.hpp"

#include <algorithm>

#include "runtime/sim/sim_loop.hpp"
#include "runtime/sim/sim_network.hpp"

namespace postrider::runtime {
namespace {
constexpr WallTime kStart = std::chrono::sys_days(std::chrono::January / 1 / 2026);
}

SimWorld::SimWorld(std::uint64_t seed)
    : random_(seed), network_(std::make_unique<SimNetwork>(*this)) {
  add_loop();
}

SimWorld::~SimWorld() = default;

Runtime& SimWorld::loop(std::size_t number) {
  return *loops_.at(number);
}

Runtime& SimWorld::add_loop() {
  loops_.push_back(std::make_unique<SimLoop>(*this));
  return *loops_.back();
}

WallTime SimWorld::wall_now() const noexcept {
  return kStart + wall_jump_ + std::chrono::floor<Duration>(now_.time_since_epoch());
}

bool SimWorld::step(TimePoint limit) {
  const std::size_t count = loops_.size();
  const std::size_t first = count > 1 ? random_() % count : 0;
  for (std::size_t n = 0; n < count; ++n)
    if (loops_[(first + n) % count]->run_some()) return true;
  SimLoop* const next = next_due();
  if (!next || *next->timers().earliest() > limit) return false;
  now_ = std::max(now_, *next->timers().earliest());
  next->timers().expire(now_);
  return true;
}

SimLoop* SimWorld::next_due() const noexcept {
  SimLoop* next = nullptr;
  for (const auto& loop : loops_) {
    const auto due = loop->timers().earliest();
    if (due && (!next || *due < *next->timers().earliest())) next = loop.get();
  }
  return next;
}

bool SimWorld::run_until_idle(Duration limit) {
  const TimePoint end = now_ + limit;
  while (step(end)) {
  }
  return !next_due();
}

void SimWorld::run_for(Duration length) {
  const TimePoint end = now_ + length;
  while (step(end)) {
  }
  now_ = std::max(now_, end);
}

bool SimWorld::run_until(const std::function<bool()>& done, Duration limit) {
  const TimePoint end = now_ + limit;
  while (!done())
    if (!step(end)) return false;
  return true;
}

bool SimWorld::finish(Task<void> task) {
  task.start();
  if (!run_until([&task] { return task.is_done(); })) return false;
  task.take();
  return true;
}

void SimWorld::set_latency(Duration latency) noexcept {
  network_->set_latency(latency);
}

void SimWorld::set_fault(const SocketAddress& target, const SimFault& fault) {
  network_->set_fault(target, fault);
}

Task<IoResult<StreamPtr>> SimWorld::connect_local(Runtime& from, std::string path) {
  return network_->connect(from, std::move(path), {});
}

bool SimLoop::run_some() {
  if (!posted_.is_empty()) {
    posted_.run();
    return true;
  }
  return ready_.resume_one();
}

void SimLoop::run() {
  while (!stopped_.exchange(false) && world_.step()) {
  }
}

Task<IoResult<StreamPtr>> SimLoop::connect(SocketAddress target, IpAddress source) {
  return world_.network_->connect(*this, target, source);
}

IoResult<AcceptorPtr> SimLoop::listen(SocketAddress address, OnAccept on_accept) {
  return world_.network_->listen(*this, address, std::move(on_accept));
}

IoResult<AcceptorPtr> SimLoop::listen_local(const std::string& path, OnAccept on_accept) {
  return world_.network_->listen(*this, path, std::move(on_accept));
}

IoResult<WatchPtr> SimLoop::watch(int /*descriptor*/, std::function<void()> /*ready*/) {
  return std::unexpected(
      IoError{.failure = IoFailure::other, .text = "no descriptors in a simulated world"});
}

}  // namespace postrider::runtime
