// SPDX-License-Identifier: MIT
// What a plugin may ask of the daemon. One Host per plugin block and loop; it outlives the plugin.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/dns.hpp>
#include <postrider/ip_address.hpp>
#include <postrider/log.hpp>
#include <postrider/loop.hpp>
#include <postrider/path.hpp>
#include <postrider/route.hpp>

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

  /// Where mail for `recipient` would be sent: as the route hooks of all plugins say, else its
  /// domain by MX. Asks no DNS.
  virtual Destination destination_for(const Path& recipient) = 0;
  /// [may suspend] The route of `destination` as a RouteHook of this block gets it from `next`: by
  /// the route hooks of the blocks after this one (of all blocks, if this one has none), then the
  /// core's own search. It is looked for on the loop that owns the destination, by the instances
  /// there: what they keep serves all loops. Unlike `next` it may be called at any time once the
  /// plugin is constructed, and the task may be spawned: it needs no call of a hook to live.
  virtual Task<RouteResult> find_route(Destination destination) = 0;
  /// The addresses of this machine's interfaces now, loopback included.
  virtual std::vector<IpAddress> local_addresses() = 0;
  /// Sessions of this loop show `line` in their EHLO reply (RFC 5321 section 4.1.1.1), from now on
  /// and as long as the plugin lives. At most 64 octets; not in shadow mode.
  virtual void offer_keyword(std::string line) = 0;
};

}  // namespace postrider
