// SPDX-License-Identifier: MIT
// Messages that come in have a budget of memory over all sessions (smtp.memory): beyond it they go
// to files as they come, and nobody waits for it or loses anything by it.
#include <set>

#include "receive_test.hpp"
#include "runtime/sim/memory_stream.hpp"
#include "runtime/sim/sim_world.hpp"
#include "support/sim_store.hpp"

namespace postrider::receive {
namespace {

constexpr std::uint64_t kLimit = 1 << 20;

class IncomingMemory : public ReceiveTest {
 protected:
  IncomingMemory() { table_.memory()->set_limit(kLimit); }

  /// A session and its client.
  struct Client {
    Client(Services services, runtime::Runtime& loop, std::string content)
        : text(std::move(content)), tasks(loop) {
      auto [near, far] = runtime::make_stream_pair(loop);
      stream = std::move(far);
      session = std::make_unique<ServerSession>(std::move(services), std::move(near), "0.1", false);
      tasks.spawn(session->run());
      tasks.spawn(talk(*this));
    }
    static Task<void> talk(Client& self) {
      const bool begun = co_await say(*self.stream,
                                      "EHLO client.example\r\nMAIL FROM:<a@client.example>\r\n"
                                      "RCPT TO:<b@example.com>\r\nDATA\r\n",
                                      10);
      EXPECT_TRUE(begun);
      const auto sent = co_await self.stream->write(self.text);
      EXPECT_TRUE(sent.has_value());
      const auto came = co_await self.stream->read(self.reply);
      (void)came;  // or the test ends first
    }
    std::string text, reply;
    runtime::StreamPtr stream;
    std::unique_ptr<ServerSession> session;
    runtime::TaskSet tasks;
  };

  Client& connect(std::string content) {
    clients_.push_back(
        std::make_unique<Client>(services(house_), world_.loop(), std::move(content)));
    return *clients_.back();
  }
  /// All that happens in a while; the budget holds at each step of it.
  void run() {
    const TimePoint end = world_.now() + 30s;
    while (world_.step(end)) ASSERT_LE(table_.memory()->used(), kLimit);
  }
  std::size_t replies(std::string_view start) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        clients_, [&](const auto& client) { return client->reply.starts_with(start); }));
  }
  static std::string content(std::size_t size, std::size_t number) {
    std::string text = "Subject: " + std::to_string(number) + "\r\n\r\n";
    while (text.size() < size) text += std::to_string(text.size()) + std::string(70, 'x') + "\r\n";
    return text;
  }
  std::string stored(std::size_t place) {
    std::vector<store::MessageId> ids;
    (void)store_.recover([&](const store::Stored& one) { ids.push_back(one.id); });
    const auto body = store_.body(ids.at(place)).value();
    std::string octets(body->size(), '\0');
    EXPECT_EQ(body->read(0, octets.data(), octets.size()).value_or(0), octets.size());
    return octets;
  }

  runtime::SimWorld world_;
  sim::SimStore store_{world_.loop()};
  House house_{*this, world_.loop(), store_};
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_F(IncomingMemory, ManyMessagesBelowTheSizeOfFilesWithTheDiskHeldBack) {
  store_.pause();
  for (std::size_t i = 0; i < 60; ++i) connect(content(100'000, i) + ".\r\n");
  run();
  EXPECT_EQ(replies("250"), 0U) << "nothing is on disk";
  ASSERT_EQ(store_.waiting().size(), 60U) << "all of them were taken in";
  std::uint64_t in_memory = 0;
  for (const auto& waiting : store_.waiting())
    in_memory += waiting.transaction.add.at(0).body->memory().size();
  EXPECT_LE(in_memory, table_.memory()->used());
  EXPECT_LE(table_.memory()->used(), kLimit);
  EXPECT_GT(in_memory, 100'000U) << "what may be in memory, is";

  store_.flush();
  run();
  EXPECT_EQ(replies("250"), 60U);
  EXPECT_EQ(table_.memory()->used(), 0U);
  std::set<std::string> seen;
  for (std::size_t i = 0; i < 60; ++i) {
    const std::string octets = stored(i);
    const std::size_t start = octets.find("Subject: ");
    ASSERT_NE(start, octets.npos);
    EXPECT_THAT(octets, ::testing::StartsWith("Received: "));
    EXPECT_THAT(octets, ::testing::HasSubstr("X-Witness: seen\r\n"));
    seen.insert(octets.substr(start));
  }
  for (std::size_t i = 0; i < 60; ++i) EXPECT_TRUE(seen.contains(content(100'000, i))) << i;
}

TEST_F(IncomingMemory, WhoNeverComesToAnEndHoldsUpNobody) {
  for (std::size_t i = 0; i < 40; ++i) connect(content(100'000, i));
  run();
  EXPECT_EQ(replies("250"), 0U);
  EXPECT_GT(table_.memory()->used(), kLimit / 2);
  for (std::size_t i = 0; i < 5; ++i) connect(content(100'000, i) + ".\r\n");
  run();
  EXPECT_EQ(replies("250"), 5U);
  clients_.clear();
  EXPECT_EQ(table_.memory()->used(), 0U) << "sessions that end give all back";
}

TEST_F(IncomingMemory, WithoutAnyAMessageGoesToItsFileFromTheFirstOctet) {
  table_.memory()->set_limit(0);
  const Client& client = connect(content(3000, 7) + ".\r\n");
  run();
  EXPECT_THAT(client.reply, ::testing::StartsWith("250"));
  EXPECT_THAT(stored(0), ::testing::EndsWith("X-Witness: seen\r\n" + content(3000, 7)));
}

TEST_F(IncomingMemory, AMessageWhoseLargeHeaderFindsNoRoomIsDelayed) {
  table_.memory()->set_limit(10'000);
  std::string header;
  for (int i = 0; i < 300; ++i) header += "X-Filler: " + std::string(90, 'x') + "\r\n";
  const Client& client = connect(header + "\r\nbody\r\n.\r\n");
  run();
  EXPECT_THAT(client.reply, ::testing::StartsWith("452 4.3.1"));
  EXPECT_EQ(store_.stats().messages, 0U);
  table_.memory()->set_limit(kLimit);
  const Client& again = connect(header + "\r\nbody\r\n.\r\n");
  run();
  EXPECT_THAT(again.reply, ::testing::StartsWith("250"));
}

TEST_F(IncomingMemory, ASessionThatDiesWhileItsMessageWaitsForTheDiskGivesNothingBackYet) {
  store_.pause();
  connect(content(100'000, 0) + ".\r\n");
  run();
  const std::uint64_t used = table_.memory()->used();
  EXPECT_GT(used, 100'000U);
  clients_.clear();
  EXPECT_EQ(table_.memory()->used(), used);
  store_.flush();
  run();
  EXPECT_EQ(store_.stats().messages, 1U);
  EXPECT_EQ(table_.memory()->used(), 0U);
}

}  // namespace
}  // namespace postrider::receive
