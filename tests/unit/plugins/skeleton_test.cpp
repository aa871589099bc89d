// SPDX-License-Identifier: MIT
#include "unit/plugins/load.hpp"

namespace postrider::testing {
namespace {

TEST(Skeleton, RefusesWhatItLists) {
  FakeHost host;
  const auto plugin = load("skeleton", host, table({{"refuse", list({"sales@example.org"})}}));
  FakeSession session(host.loop());
  Transaction transaction;
  Recipient listed = recipient("Sales@Example.org");
  Recipient other = recipient("bob@example.org");
  const Verdict refused =
      run(host.loop(), plugin.hooks().rcpt->on_rcpt(session, transaction, listed));
  EXPECT_EQ(refused.reply().line(), "550 5.7.1 This address takes no mail");
  EXPECT_TRUE(
      run(host.loop(), plugin.hooks().rcpt->on_rcpt(session, transaction, other)).is_pass());
  EXPECT_TRUE(host.log().contains("recipient=sales@example.org"));
}

}  // namespace
}  // namespace postrider::testing
