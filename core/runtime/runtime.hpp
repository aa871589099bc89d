// SPDX-License-Identifier: MIT
// One event loop and all it can do for the stages: time, timers, connections, listeners, other
// threads' posts. Production uses runtime/uv, tests runtime/sim (virtual time, scripted, seeded).
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <postrider/loop.hpp>

#include "runtime/byte_stream.hpp"

namespace postrider::runtime {

using StreamPtr = std::unique_ptr<ByteStream>;
/// Called on the loop for each accepted connection.
using OnAccept = std::function<void(StreamPtr)>;

/// Stops listening when destroyed.
class Acceptor {
 public:
  virtual ~Acceptor() = default;
  /// Where it really listens: the port is filled in when 0 was asked.
  virtual SocketAddress local() const = 0;
  /// Leave connections in the kernel's backlog (too many sessions, no descriptors), or take them.
  virtual void pause() noexcept = 0;
  virtual void resume() noexcept = 0;
};
using AcceptorPtr = std::unique_ptr<Acceptor>;

/// Stops watching when destroyed.
class Watch {
 public:
  virtual ~Watch() = default;
};
using WatchPtr = std::unique_ptr<Watch>;

class Runtime : public Loop {
 public:
  /// [loop] Open a TCP connection; `source` may be unspecified. Dropping the task abandons it.
  virtual Task<IoResult<StreamPtr>> connect(SocketAddress target, IpAddress source = {}) = 0;

  /// [loop] Listen with SO_REUSEPORT and a backlog of 1024; one acceptor per loop and address.
  virtual IoResult<AcceptorPtr> listen(SocketAddress address, OnAccept on_accept) = 0;
  /// [loop] Listen on a Unix socket of mode 0600; an existing dead socket is replaced.
  virtual IoResult<AcceptorPtr> listen_local(const std::string& path, OnAccept on_accept) = 0;

  /// [loop] Call `ready` whenever `descriptor` is readable. The descriptor stays the caller's.
  virtual IoResult<WatchPtr> watch(int descriptor, std::function<void()> ready) = 0;

  /// [any thread] Run `work` on the loop, in order of posting; wakes it. One wake-up serves all
  /// that is posted before the loop gets to it.
  virtual void post(std::move_only_function<void()> work) = 0;

  /// [loop] This very moment, for measuring: now() is the begin of the loop's turn, to the
  /// millisecond. Never use it for waiting.
  virtual TimePoint exact_now() const noexcept { return now(); }

  /// [loop] Turn until stop(). Coroutines are resumed from the ready list only.
  virtual void run() = 0;
  /// [any thread]
  virtual void stop() = 0;
};

}  // namespace postrider::runtime
