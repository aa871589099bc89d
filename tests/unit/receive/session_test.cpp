// SPDX-License-Identifier: MIT
// Single sessions over a stream in memory, in virtual time.
#include "receive_test.hpp"
#include "runtime/sim/memory_stream.hpp"
#include "runtime/sim/sim_world.hpp"
#include "support/sim_store.hpp"

namespace postrider::receive {
namespace {

class SessionTest : public ReceiveTest {
 protected:
  explicit SessionTest(bool lmtp = false, Duration slow_banner = 1s) {
    options_.slow_banner = slow_banner;
    auto [near, far] = runtime::make_stream_pair(world_.loop());
    far_ = std::move(far);
    session_.emplace(services(house_), std::move(near), "0.1", lmtp);
    tasks_.spawn(session_->run());
    tasks_.spawn(listen(*far_, came_));
  }

  /// What the server sends to `text` until nothing happens any more.
  std::string ask(std::string text) {
    (void)world_.finish(far_->write(text));
    world_.run_for(1s);
    return std::exchange(came_, {});
  }
  static Task<void> listen(runtime::ByteStream& stream, std::string& came) {
    bool open = true;
    while (open) {
      const auto got = co_await stream.read(came);
      open = got.has_value();
    }
  }

  std::string came_;
  runtime::SimWorld world_;
  sim::SimStore store_{world_.loop()};
  House house_{*this, world_.loop(), store_};
  runtime::StreamPtr far_;
  std::optional<ServerSession> session_;
  runtime::TaskSet tasks_{world_.loop()};
};

class LmtpSessionTest : public SessionTest {
 protected:
  LmtpSessionTest() : SessionTest(true) {}
};

TEST_F(LmtpSessionTest, ADroppedRecipientIsAnsweredToo) {
  (void)ask("LHLO client.example\r\n");
  (void)ask(
      "MAIL FROM:<a@client.example>\r\n"
      "RCPT TO:<b@example.com>\r\nRCPT TO:<dropped@example.com>\r\nDATA\r\n");
  const std::string replies = ask("Subject: x\r\n\r\nx\r\n.\r\n");
  EXPECT_EQ(std::ranges::count(replies, '\n'), 2) << replies;
  ASSERT_EQ(house_.queue.list({}).size(), 1U);
  EXPECT_EQ(house_.queue.list({}).front().recipients.size(), 1U);
}

class SlowBannerTest : public SessionTest {
 protected:
  SlowBannerTest() : SessionTest(false, 5ms) {}
};

TEST_F(SlowBannerTest, TellsWhatItWaitedFor) {
  EXPECT_EQ(ask(""), "220 mx.example.com ESMTP\r\n");
  EXPECT_EQ(Witness::last_banner, "the connect hooks of plugins took 5 of 5 ms");
  const auto banner = table_.figures(world_.loop().now()).banner;
  EXPECT_EQ(banner.sessions, 1U);
  EXPECT_EQ(banner.p99, std::chrono::milliseconds(5));
  EXPECT_EQ(banner.max, std::chrono::milliseconds(5));
  EXPECT_EQ(table_.figures(world_.loop().now() + 6min).banner.sessions, 0U);
}

TEST_F(SessionTest, AFastBannerNeedsNoReason) {
  Witness::last_banner = "not told yet";
  (void)ask("");
  EXPECT_EQ(Witness::last_banner, "");
}

TEST_F(SessionTest, AClientThatAlwaysHasMoreRunsOutOfTime) {
  (void)ask("EHLO client.example\r\n");
  const std::string noop = "NOOP\r\n";
  (void)world_.finish(far_->write(noop));
  world_.advance(options_.session_timeout);
  EXPECT_EQ(ask(noop), "250 2.0.0 OK\r\n421 4.4.2 This session took too long\r\n");
}

TEST_F(SessionTest, ARefusedHeloChangesNothing) {
  EXPECT_THAT(ask("EHLO client.example\r\n"), ::testing::StartsWith("220 "));
  EXPECT_THAT(ask("MAIL FROM:<a@client.example>\r\n"), ::testing::HasSubstr("250 "));
  EXPECT_EQ(ask("EHLO refused.example\r\n"), "550 5.7.1 Not you\r\n");
  EXPECT_EQ(session_->helo(), "client.example");
  EXPECT_THAT(ask("RCPT TO:<b@example.com>\r\n"), ::testing::StartsWith("250 2.1.5"));
  EXPECT_THAT(ask("EHLO other.example\r\n"), ::testing::StartsWith("250-"));
  EXPECT_EQ(session_->helo(), "other.example");
  EXPECT_THAT(ask("RCPT TO:<b@example.com>\r\n"), ::testing::StartsWith("503 "));
}

}  // namespace
}  // namespace postrider::receive
