// SPDX-License-Identifier: MIT
// Along a route: host by host, address by address, with a head start for each address before the
// next one is tried too (RFC 8305); the first connection wins.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <vector>

#include <postrider/route.hpp>

#include "deliver/options.hpp"
#include "deliver/outcome.hpp"
#include "runtime/runtime.hpp"

namespace postrider::deliver {

struct Connection {
  runtime::StreamPtr stream;
  Remote remote;
};

/// [loop thread] One search for a host that works. Outlives its tasks.
class Connector {
 public:
  /// Hears of each address that could not be connected to, and after how long.
  using Failed = std::function<void(const Remote& remote, const Outcome& why, Duration took)>;
  /// `connect`: the limit for each address.
  Connector(runtime::Runtime& runtime, const Options& options, Duration connect, Route route,
            Failed failed);

  /// [may suspend] The next connection; nothing when no address is left.
  Task<std::optional<Connection>> next();
  /// A host failed after it was connected to: remember why.
  void note(Outcome failure);
  /// The host last connected to is no way, nor are those not better than it: try none of them.
  /// False: there is no better one in the whole route (RFC 5321 section 5.1).
  bool cut();
  /// Why no host works: what a host said itself weighs more than what the network did, a better
  /// host's words more than a worse one's. Always delayed.
  Outcome reason() const;

 private:
  Task<std::optional<Connection>> race_addresses();

  runtime::Runtime& runtime_;
  const Options& options_;
  const Duration connect_;
  Route route_;
  Failed failed_;
  std::size_t hop_ = 0;
  std::size_t tried_ = 0;
  std::optional<Outcome> reason_;
};

}  // namespace postrider::deliver
