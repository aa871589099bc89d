// SPDX-License-Identifier: MIT
// A resolver on the real loop, asking scripted servers.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "dns/resolver.hpp"
#include "runtime/runtime.hpp"
#include "runtime/uv/uv_runtime.hpp"
#include "support/dns_server.hpp"

namespace postrider::dns {

using testing::DnsMessage;
using testing::DnsQuery;
using testing::DnsSend;
using testing::DnsServer;
using Sends = std::vector<DnsSend>;

/// A port on loopback where nobody answers.
inline DnsServer& silent_server() {
  static DnsServer server([](const DnsQuery&) { return Sends{}; });
  return server;
}

class Rig {
 public:
  explicit Rig(std::vector<SocketAddress> servers, ResolverOptions options = {}) {
    options.servers = std::move(servers);
    if (options.attempt_timeout == ResolverOptions{}.attempt_timeout)
      options.attempt_timeout = 5s;  // generous: the machine may be busy
    dns = make_resolver(*runtime, options);
  }
  explicit Rig(const DnsServer& server, ResolverOptions options = {})
      : Rig({server.address()}, options) {}

  /// Run the loop until `task` is done.
  template <class T>
  T wait_for(Task<T> task) {
    std::optional<T> result;
    Task<void> root = then_stop(std::move(task), result, *runtime);
    if (!root.start()) runtime->run();
    EXPECT_TRUE(result.has_value());
    return std::move(*result);
  }
  /// Run the loop for a while.
  void turn(Duration length) { wait_for(pause(*runtime, length)); }

  std::unique_ptr<runtime::Runtime> runtime = runtime::make_uv_runtime();
  std::unique_ptr<Dns> dns;

 private:
  template <class T>
  static Task<void> then_stop(Task<T> task, std::optional<T>& result, runtime::Runtime& runtime) {
    result.emplace(co_await task);
    runtime.stop();
  }
  static Task<bool> pause(runtime::Runtime& runtime, Duration length) {
    co_await sleep_for(runtime, length);
    co_return true;
  }
};

inline Duration since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start);
}

}  // namespace postrider::dns
