// SPDX-License-Identifier: MIT
// Questions over UDP: one udns context for one name server on one loop. udns keeps ids, matches
// replies and keeps deadlines; it is given our clock, one try per question, and no say in what a
// reply means (docs/decisions/0004-udns-as-transport.md).
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>

#include "dns/packet.hpp"
#include "runtime/runtime.hpp"

struct dns_ctx;
struct dns_query;

namespace postrider::dns {

class UdpQuery;

/// [loop thread] One socket to one server. Queries hold it alive.
class UdpContext final : private Timer {
 public:
  /// udns counts time in units of this.
  static constexpr Duration kTick = 100ms;

  /// `timeout`: 100 ms to 30 s, never cut short, at most two ticks too long.
  static std::expected<std::shared_ptr<UdpContext>, std::string> open(runtime::Runtime& runtime,
                                                                      const SocketAddress& server,
                                                                      Duration timeout);
  ~UdpContext() override;

 private:
  friend class UdpQuery;
  struct Callbacks;
  explicit UdpContext(runtime::Runtime& runtime) : runtime_(runtime) {}
  std::optional<std::string> set_up(const SocketAddress& server, Duration timeout);
  std::int64_t tick() const noexcept;
  void read();
  void expired() noexcept override;

  /// The one in read(): udns does not say on which socket a packet came that fits no question.
  static thread_local UdpContext* reading_;

  runtime::Runtime& runtime_;
  unsigned strays_ = 0;
  TimePoint start_{};
  dns_ctx* context_ = nullptr;
  runtime::WatchPtr watch_;
};

/// What came back: the octets of the last reply to this question, if any came.
struct UdpReply {
  bool was_sent = true;
  unsigned strays = 0;  ///< packets of this server meanwhile that fit no question
  std::string packet;
};

/// co_await UdpQuery(context, question, true): ask once. Destroying it cancels the query.
class UdpQuery {
 public:
  /// `dnssec`: ask with DO. Without it udns leaves EDNS0 out when the server does not like it.
  UdpQuery(std::shared_ptr<UdpContext> context, const Question& question, bool dnssec)
      : context_(std::move(context)), question_(question), dnssec_(dnssec) {}
  UdpQuery(const UdpQuery&) = delete;
  UdpQuery& operator=(const UdpQuery&) = delete;
  ~UdpQuery();

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> handle);
  UdpReply await_resume() { return std::move(reply_); }

 private:
  friend struct UdpContext::Callbacks;
  std::shared_ptr<UdpContext> context_;
  const Question& question_;
  bool dnssec_;
  bool submitting_ = false;
  unsigned strays_before_ = 0;
  dns_query* query_ = nullptr;
  ReadyNode node_;
  UdpReply reply_;
};

}  // namespace postrider::dns
