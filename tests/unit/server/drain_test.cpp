// SPDX-License-Identifier: MIT
// What SIGTERM begins, with a whole server in virtual time.
#include <gtest/gtest.h>

#include "support/scenario_mail.hpp"
#include "support/scenario_peer.hpp"
#include "support/sim_client.hpp"
#include "support/sim_server.hpp"

namespace postrider::sim {
namespace {

TEST(Drain, CouriersStopTogetherWithTheSessionsNotAfterThem) {
  SimServer server({}, {"example.org MX 10 a.example.org", "a.example.org A 198.51.100.1"});
  ScenarioPeer peer(server.world(), server.outside(), IpAddress::parse("198.51.100.1").value());
  peer.behave({"at RCPT replies 450 4.2.1 busy"});
  (void)send_letter(server, read_letter("from <a@example.net> to <b@example.org>", {}));
  server.world().run_for(4min);
  ASSERT_EQ(peer.calls().size(), 1U);

  SimClient slow(server.world(), server.outside(), server.address(),
                 IpAddress::parse("192.0.2.2").value());
  slow.send("HELO slow.example.net\r\nMAIL FROM:<a@example.net>\r\n");
  server.world().run_for(1s);
  server.drain();
  server.world().run_for(3min);
  EXPECT_FALSE(slow.is_closed(0ms)) << "a session in a transaction may finish it";
  EXPECT_EQ(peer.calls().size(), 1U) << "an attempt began while the server drains";
}

}  // namespace
}  // namespace postrider::sim
