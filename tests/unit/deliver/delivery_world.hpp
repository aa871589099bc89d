// SPDX-License-Identifier: MIT
// The stage of the delivery tests: a simulated world, a zone, a queue side, couriers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "deliver/couriers.hpp"
#include "fakes.hpp"
#include "peer.hpp"
#include "runtime/sim/sim_world.hpp"
#include "unit/route/zone_dns.hpp"

namespace postrider::deliver::testing {

class DeliveryWorld : public ::testing::Test {
 protected:
  DeliveryWorld() {
    options.helo = "client.example";
    dns.add_mx("example.org", {{10, "a.example.org"}});
    dns.add_addresses("a.example.org", {"192.0.2.1"});
  }

  std::shared_ptr<FakeRecord> message(std::vector<std::string> recipients = {"one@example.org"},
                                      std::string octets = "Subject: x\r\n\r\nhello\r\n") {
    return std::make_shared<FakeRecord>(std::move(octets), std::move(recipients));
  }
  void start() {
    couriers = std::make_unique<Couriers>(
        world.loop(), dns, deliveries, [this] { return plugin::ChainsPtr(chains); }, options, log);
  }
  void queue(std::shared_ptr<FakeRecord> record) { deliveries.add(std::move(record), destination); }
  /// Deliver what is due and let everything come to rest.
  void run() {
    if (!couriers) start();
    deliveries.want_courier(destination);
    rest();
  }
  void rest() {
    EXPECT_TRUE(world.run_until([this] { return couriers->size() == 0; }));
    EXPECT_TRUE(deliveries.due.empty());
  }
  const Outcome& outcome(std::size_t delivery = 0, std::size_t recipient = 0) {
    return deliveries.ended.at(delivery).result.outcomes.at(recipient);
  }
  bool host_failed(std::size_t delivery = 0) {
    return deliveries.ended.at(delivery).result.host_failed;
  }
  /// "delayed 4.4.2 mail"
  std::string brief(std::size_t delivery = 0, std::size_t recipient = 0) {
    const Outcome& o = outcome(delivery, recipient);
    return std::string(action_name(o.action)) + " " + o.status.text() + " " +
           std::string(phase_name(o.phase));
  }

  runtime::SimWorld world;
  postrider::testing::ZoneDns dns;
  FakeDeliveries deliveries{world.loop()};
  std::shared_ptr<FakeChains> chains = std::make_shared<FakeChains>();
  SilentLog log;
  Options options;
  Destination destination{.name = "example.org"};
  std::unique_ptr<Couriers> couriers;
};

}  // namespace postrider::deliver::testing
