// SPDX-License-Identifier: MIT
// The file of standing orders: written whole, read whole, never half believed.
#include "orders.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace postrider {
namespace {

Orders some() {
  Orders orders;
  orders.mode = config::Mode::inbound_only;
  orders.mode_since = WallTime(1234567890123ms);
  orders.suspended.push_back({"*.example.org", WallTime(5ms), "an upgrade, till ten\nmode none 1"});
  orders.suspended.push_back({"[192.0.2.1]:25", WallTime(6ms), ""});
  return orders;
}

void expect_same(const Orders& one, const Orders& other) {
  EXPECT_EQ(one.mode, other.mode);
  EXPECT_EQ(one.mode_since, other.mode_since);
  EXPECT_EQ(one.suspended, other.suspended);
}

struct OrdersFile : testing::Test {
  OrdersFile() {
    char name[] = "/tmp/postrider-orders-XXXXXX";
    folder = ::mkdtemp(name);
  }
  ~OrdersFile() override { std::filesystem::remove_all(folder); }
  void write(const std::string& text) const { std::ofstream(folder + "/orders") << text; }
  std::string folder;
};

TEST(OrdersText, IsReadBackAsItWasWritten) {
  expect_same(decode_orders(encode(some())).value(), some());
  expect_same(decode_orders(encode({})).value(), {});
}

TEST(OrdersText, EveryCutAndDamageIsKnown) {
  const std::string text = encode(some());
  for (std::size_t size = 0; size + 1 < text.size(); ++size)
    EXPECT_FALSE(decode_orders(text.substr(0, size))) << size;
  EXPECT_EQ(decode_orders("orders 2\nend\n").error(),
            "it is not of this version: the first line is not \"orders 1\"");
  EXPECT_EQ(decode_orders("orders 1\nmode asleep 1\nend\n").error(),
            "line 2 makes no sense: mode asleep 1");
  EXPECT_FALSE(decode_orders("orders 1\nsuspended - 1 -\nend\n"));
  EXPECT_FALSE(decode_orders("orders 1\nsuspended x soon -\nend\n"));
  EXPECT_FALSE(decode_orders("orders 1\nsomething\nend\n"));
}

TEST_F(OrdersFile, OutlivesTheProcessAndAnInterruptedSave) {
  expect_same(load_orders(folder).value(), {});
  ASSERT_TRUE(save_orders(folder, some()));
  std::ofstream(folder + "/orders.new") << "orders 1\nmo";
  expect_same(load_orders(folder).value(), some());
  ASSERT_TRUE(save_orders(folder, {}));
  expect_same(load_orders(folder).value(), {});
  EXPECT_FALSE(std::filesystem::exists(folder + "/orders.new"));
}

TEST_F(OrdersFile, WhatCannotBeReadOrWrittenIsSaidWithItsName) {
  write("nonsense\n");
  const auto loaded = load_orders(folder);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error(),
            folder +
                "/orders: it is not of this version: the first line is not \"orders 1\"; "
                "without the file all is open: remove it, or correct it");
  const auto saved = save_orders(folder + "/nowhere", some());
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().find("nowhere"), std::string::npos) << saved.error();
}

TEST(OrdersInForce, CloseTheGateAndTheDoor) {
  using enum config::Mode;
  EXPECT_FALSE(gate_for(inbound_outbound, {})->closed);
  EXPECT_FALSE(gate_for(outbound_only, {})->closed);
  const queue::Closure configured{.why = "the mode is inbound-only: nothing is tried",
                                  .since = {},
                                  .until = "postrider mode inbound-outbound"};
  EXPECT_EQ(gate_for(inbound_only, {})->closed, configured);
  const queue::GatePtr ordered = gate_for(none, some());
  const queue::Closure closed{.why = "the mode is none: nothing is tried",
                              .since = some().mode_since,
                              .until = "postrider mode outbound-only"};
  EXPECT_EQ(ordered->closed, closed);
  EXPECT_EQ(ordered->suspended.size(), 2U);
  EXPECT_FALSE(refusal_for(inbound_only));
  EXPECT_FALSE(refusal_for(inbound_outbound));
  ASSERT_TRUE(refusal_for(outbound_only));
  EXPECT_EQ(refusal_for(outbound_only)->line().substr(0, 10), "421 4.3.2 ");
  EXPECT_EQ(refusal_for(none), refusal_for(outbound_only));
}

}  // namespace
}  // namespace postrider
