// SPDX-License-Identifier: MIT
// A whole session with real hook chains and a real queue, dropped wherever it can be suspended. It
// holds the last reference to its plugins, as after a reload: its facts, slots and hooks under way
// must end before the plugin does.
#include "receive/listener.hpp"
#include "receive_test.hpp"
#include "runtime/sim/memory_stream.hpp"
#include "support/drop_at.hpp"
#include "support/sim_store.hpp"

namespace postrider::receive {
namespace {

class SessionDrop : public ReceiveTest {
 protected:
  static Task<void> converse(runtime::ByteStream& stream, bool& served) {
    const std::string large(300'000, 'x');
    std::string lines;
    for (std::size_t at = 0; at < large.size(); at += 1000)
      lines += large.substr(at, 1000) + "\r\n";
    const std::string mail = "MAIL FROM:<a@client.example>\r\n";
    const std::string rcpt = "RCPT TO:<b@example.com>\r\n";
    const std::vector<std::pair<std::string, std::size_t>> groups{
        {"EHLO client.example\r\n", 7},
        {mail, 1},
        {rcpt + "RCPT TO:<c@example.com>\r\nDATA\r\n", 3},
        {"Subject: small\r\n\r\nbody\r\n.\r\n", 1},
        {"NOOP\r\nMAIL FROM:<>\r\nRSET\r\n" + rcpt, 4},
        {mail + rcpt + "DATA\r\n", 3},
        {"Subject: large\r\n\r\n" + lines + ".\r\n", 1},
        {"QUIT\r\n", 1}};
    for (const auto& [text, replies] : groups) {
      const bool answered = co_await say(stream, text, replies);
      if (!answered) co_return;
    }
    served = true;
  }

  static Task<void> session_scene(SessionDrop& test, runtime::SimWorld& world) {
    sim::SimStore store(world.loop());
    House house(test, world.loop(), store);
    auto [near, far] = runtime::make_stream_pair(world.loop());
    ServerSession session(test.services(house), std::move(near), "0.1", false);
    bool served = false;
    runtime::TaskSet clients(world.loop());
    clients.spawn(converse(*far, served));
    co_await session.run();
    co_await clients.join();
    if (served) test.messages_ = store.stats().messages;
  }

  static Task<void> listener_scene(SessionDrop& test, runtime::SimWorld& world) {
    sim::SimStore store(world.loop());
    House house(test, world.loop(), store);
    EXPECT_EQ(test.table_.size(), 0U) << "the last run left a session in the table";
    bool served = false;
    Listener listener(world.loop(), [&test, &house] { return test.services(house); }, 0);
    const auto address = listener.open({.address = SocketAddress::parse("192.0.2.1:25").value()});
    auto stream = co_await world.loop().connect(address.value());
    co_await converse(**stream, served);
    (*stream)->close();
    co_await listener.join();
    if (served) test.messages_ = store.stats().messages;
  }

  std::uint64_t messages_ = 0;
};

TEST_F(SessionDrop, ASessionAtEverySuspension) {
  const std::size_t steps = tests::drop_at_every_step(
      [this](runtime::SimWorld& world) { return session_scene(*this, world); });
  EXPECT_GT(steps, 40U);
  EXPECT_EQ(messages_, 2U) << "the run that was not dropped";
}

TEST_F(SessionDrop, ASessionWhoseMessagesFindNoMemory) {
  table_.memory()->set_limit(40'000);
  (void)tests::drop_at_every_step(
      [this](runtime::SimWorld& world) { return session_scene(*this, world); });
  EXPECT_EQ(messages_, 2U) << "the run that was not dropped";
  EXPECT_EQ(table_.memory()->used(), 0U);
}

TEST_F(SessionDrop, AListenerWithASessionAtEverySuspension) {
  const std::size_t steps = tests::drop_at_every_step(
      [this](runtime::SimWorld& world) { return listener_scene(*this, world); });
  EXPECT_GT(steps, 40U);
  EXPECT_EQ(messages_, 2U) << "the run that was not dropped";
  EXPECT_EQ(table_.size(), 0U);
}

}  // namespace
}  // namespace postrider::receive
