// SPDX-License-Identifier: MIT
// One name server as the resolver knows it: how to ask it, how many questions are open there, and
// whether it answered badly of late.
#pragma once

#include <memory>
#include <string>

#include "dns/gate.hpp"
#include "dns/resolver.hpp"
#include "dns/udp.hpp"

namespace postrider::dns {

/// [loop thread] Outlives the tasks it gives out.
class Server {
 public:
  Server(runtime::Runtime& runtime, const SocketAddress& address, const ResolverOptions& options);

  /// Ask once: over UDP, without EDNS0 if the server cannot have it, over TCP if the answer is
  /// truncated. `question` must outlive the task. The outcome is never truncated.
  Task<Reply> ask(const Question& question);

  TimePoint now() const noexcept { return runtime_.now(); }
  const SocketAddress& address() const noexcept { return address_; }
  /// For a while this server is asked after the others.
  void blame() noexcept { bad_until_ = runtime_.now() + kBadFor; }
  bool is_blamed() const noexcept { return runtime_.now() < bad_until_; }

 private:
  static constexpr Duration kBadFor = 30s;
  std::expected<std::shared_ptr<UdpContext>, std::string> context();

  runtime::Runtime& runtime_;
  SocketAddress address_;
  Duration timeout_;
  unsigned questions_per_port_;
  Gate gate_;
  std::shared_ptr<UdpContext> context_;
  unsigned asked_ = 0;
  TimePoint bad_until_{};
};

}  // namespace postrider::dns
