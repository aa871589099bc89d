// SPDX-License-Identifier: MIT
// What a plugin may ask of the daemon. One Host per plugin block and loop; it outlives the plugin.
#pragma once

#include <postrider/dns.hpp>
#include <postrider/ip_address.hpp>
#include <postrider/log.hpp>
#include <postrider/loop.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace postrider {

/// [loop thread] unless said otherwise.
class Host {
 public:
  virtual ~Host() = default;
  /// The block's id: unique, usually the plugin's name.
  virtual const std::string& id() const noexcept = 0;
  virtual Loop& loop() noexcept = 0;
  virtual Dns& dns() noexcept = 0;
  /// Lines carry plugin=<id>.
  virtual Log& log() noexcept = 0;
  /// Our own name, as in the banner.
  virtual const std::string& hostname() const noexcept = 0;
  /// local.domains: where final delivery happens.
  virtual const std::vector<std::string>& local_domains() const noexcept = 0;
  virtual const std::vector<SocketAddress>& listeners() const noexcept = 0;
  /// Which loop this instance runs on, 0 .. loops - 1.
  virtual unsigned loop_index() const noexcept = 0;

  /// Run `task` beside everything else; it is dropped when the plugin goes.
  virtual void spawn(Task<void> task) = 0;
  /// [may suspend] Run blocking work on a helper thread; done when it has finished. Dropping the
  /// task does not stop the work: it must own all it touches.
  virtual Task<void> run_blocking(std::move_only_function<void()> work) = 0;
};

}  // namespace postrider
