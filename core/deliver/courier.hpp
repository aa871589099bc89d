// SPDX-License-Identifier: MIT
// One worker for one destination: takes deliveries, finds the way, keeps its connection for the
// next one, says how each ended. RFC 5321 section 4.5.4.1: one connection serves many messages.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <postrider/log.hpp>

#include "deliver/attempt_events.hpp"
#include "deliver/client_session.hpp"
#include "deliver/connector.hpp"
#include "deliver/envelope.hpp"
#include "deliver/options.hpp"
#include "plugin/chains.hpp"
#include "queue/deliveries.hpp"
#include "route/router.hpp"
#include "runtime/runtime.hpp"

namespace postrider::deliver {

/// What the couriers of a loop share.
struct Post {
  runtime::Runtime& runtime;
  queue::Deliveries& deliveries;
  route::Router router;
  std::function<plugin::ChainsPtr()> chains;  ///< those of now
  Options options;
  Log& log;
  std::uint64_t connections = 0;  ///< opened since the start; numbers them
  bool draining = false;          ///< take no more
};

class Courier {
 public:
  /// [may suspend] A courier's life. `post` outlives it.
  static Task<void> run(Post& post, Destination destination);

 private:
  /// A delivery in hand, perhaps with the envelope that was sent ahead of its turn.
  struct Load {
    explicit Load(queue::Delivery delivery) : consignment(std::move(delivery)) {}
    Consignment consignment;
    std::optional<Envelope> envelope;
    bool may_connect = false;  ///< once, without more ado: the queue knows
  };
  using LoadPtr = std::unique_ptr<Load>;

  Courier(Post& post, Destination destination);

  Task<void> work();
  LoadPtr take();
  void finish(Load& load);
  AttemptPlace place();   // what observers are told of the attempt in hand
  void number_attempt();  // a new id
  Task<void> deliver(Load& load);
  Duration time_left(const Load& load) const;
  void cut_off(Load& load);
  void put_back_carried();
  Task<void> deliver_by_plugin(Load& load);
  static void open_body(Consignment& consignment);
  Task<bool> is_sound(Load& load);
  Task<void> deliver_by_smtp(Load& load);
  Task<void> transact(Load& load);
  Task<void> let_go();
  Task<bool> reach_host(Load& load);
  Task<bool> find_route(Load& load);
  Task<Verdict> judge_peer();
  /// A plugin will not have this host. True: nor any other, and the recipients have failed.
  bool turn_away(Load& load, const Verdict& verdict);
  Envelope* announce(const Envelope& current);
  bool may_reuse() const noexcept;

  Post& post_;
  Destination destination_;
  plugin::ChainsPtr chains_;
  ConnectionLimits limits_;  // of now
  std::string id_;           // of the connection, or of the try for one
  std::optional<Route> route_;
  TimePoint route_until_{};
  std::optional<Connector> connector_;  // of the delivery in hand
  std::optional<ClientSession> session_;
  bool served_ = false;  // the session carried something already
  LoadPtr carried_;      // the delivery after the one in hand, taken early
};

}  // namespace postrider::deliver
