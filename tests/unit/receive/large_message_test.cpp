// SPDX-License-Identifier: MIT
// Large messages, which stream to a file of the store, under message hooks and limits: with the
// store of production, on real files.
#include <cstdlib>
#include <filesystem>

#include "receive_test.hpp"
#include "runtime/sim/memory_stream.hpp"
#include "runtime/uv/uv_runtime.hpp"
#include "store/store.hpp"

namespace postrider::receive {
namespace {

class LargeMessage : public ReceiveTest {
 protected:
  LargeMessage() {
    std::string pattern = ::testing::TempDir() + "receive_test_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    store::LogOptions options;
    options.folder = folder_;
    store_ = std::move(store::open_log_store(options).value());
    (void)store_->recover([](const store::Stored&) {});
  }
  ~LargeMessage() override {
    store_->close();
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  /// The reply after the final dot of `content`.
  std::string send(const std::string& content) {
    std::string reply;
    runtime::TaskSet tasks(*runtime_);
    tasks.spawn(scene(*this, content, reply));
    runtime_->run();
    return reply;
  }
  /// The octets that a restart would find.
  std::vector<std::string> kept() {
    store_->close();
    store_.reset();
    store::LogOptions options;
    options.folder = folder_;
    store_ = std::move(store::open_log_store(options).value());
    std::vector<store::MessageId> ids;
    (void)store_->recover([&](const store::Stored& stored) { ids.push_back(stored.id); });
    std::vector<std::string> messages;
    for (const store::MessageId id : ids) {
      const auto body = store_->body(id).value();
      std::string& octets = messages.emplace_back(body->size(), '\0');
      EXPECT_EQ(body->read(0, octets.data(), octets.size()).value_or(0), octets.size());
    }
    return messages;
  }

 private:
  static Task<void> scene(LargeMessage& test, const std::string& content, std::string& reply) {
    co_await deliver(test, content, reply);
    test.runtime_->stop();
  }
  static Task<void> deliver(LargeMessage& test, const std::string& content, std::string& reply) {
    House house(test, *test.runtime_, *test.store_);
    auto [near, far] = runtime::make_stream_pair(*test.runtime_);
    ServerSession session(test.services(house), std::move(near), "0.1", false);
    runtime::TaskSet sessions(*test.runtime_);
    sessions.spawn(session.run());
    const std::string envelope =
        "EHLO client.example\r\nMAIL FROM:<a@client.example>\r\nRCPT "
        "TO:<b@example.com>\r\nDATA\r\n";
    const bool begun = co_await say(*far, envelope, 10);
    EXPECT_TRUE(begun);
    const std::string octets = content + "\r\n.\r\n";
    const auto sent = co_await far->write(octets);
    EXPECT_TRUE(sent.has_value());
    const auto came = co_await far->read(reply);
    EXPECT_TRUE(came.has_value());
    far->close();
    co_await sessions.join();
    while (!house.queue.is_settled()) co_await sleep_for(*test.runtime_, 1ms);
  }

  std::string folder_;
  std::unique_ptr<runtime::Runtime> runtime_ = runtime::make_uv_runtime();
  std::unique_ptr<store::Store> store_;
};

std::string lines(std::string_view start, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += std::string(start) + std::to_string(i) + std::string(90, 'x') + "\r\n";
  return text;
}

TEST_F(LargeMessage, IsEditedByAHook) {
  const std::string rest = "Subject: much\r\n\r\n" + lines("", 5000);
  EXPECT_THAT(send(rest), ::testing::StartsWith("250 "));
  const auto messages = kept();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_THAT(messages[0], ::testing::StartsWith("Received: "));
  EXPECT_THAT(messages[0], ::testing::EndsWith("X-Witness: seen\r\n" + rest + "\r\n"));
}

TEST_F(LargeMessage, WithoutAHeaderIsEditedToo) {
  const std::string rest = "\r\n" + lines("", 5000);
  EXPECT_THAT(send(rest), ::testing::StartsWith("250 "));
  const auto messages = kept();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_THAT(messages[0], ::testing::EndsWith("X-Witness: seen\r\n" + rest + "\r\n"));
}

TEST_F(LargeMessage, MayHaveALargeHeader) {
  const std::string rest = lines("X-Filler: ", 5000) + "\r\nbody";
  EXPECT_THAT(send(rest), ::testing::StartsWith("250 "));
  const auto messages = kept();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_THAT(messages[0], ::testing::EndsWith("X-Witness: seen\r\n" + rest + "\r\n"));
}

TEST_F(LargeMessage, IsRefusedForTooLargeAHeader) {
  EXPECT_THAT(send(lines("X-Filler: ", 15'000) + "\r\nbody"),
              ::testing::StartsWith("552 5.3.4 A header"));
  EXPECT_TRUE(kept().empty());
}

TEST_F(LargeMessage, IsRefusedForTooManyReceivedBehindMuchElse) {
  std::string header = lines("X-Filler: ", 3000);
  for (int i = 0; i < 100; ++i)
    header += "Received: by x.example; Thu, 1 Jan 2026 00:00:00 +0000\r\n";
  EXPECT_THAT(send(header + "\r\nbody"), ::testing::StartsWith("554 5.4.6"));
}

}  // namespace
}  // namespace postrider::receive
