// SPDX-License-Identifier: MIT
// The control socket: one line of JSON in, one line out, as often as the operator likes.
#pragma once

#include <expected>
#include <string>

#include "control/daemon.hpp"
#include "runtime/runtime.hpp"
#include "runtime/task_set.hpp"

namespace postrider::control {

/// [main thread]
class ControlServer {
 public:
  ControlServer(runtime::Runtime& runtime, Daemon& daemon);
  /// Listen on a Unix socket of mode 0600; the error says why not.
  std::expected<void, std::string> open(const std::string& path);

 private:
  static Task<void> serve(runtime::Runtime& runtime, Daemon& daemon, runtime::StreamPtr stream);

  runtime::Runtime& runtime_;
  Daemon& daemon_;
  runtime::AcceptorPtr acceptor_;
  runtime::TaskSet tasks_;
};

}  // namespace postrider::control
