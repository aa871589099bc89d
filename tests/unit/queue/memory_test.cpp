// SPDX-License-Identifier: MIT
// What a waiting message costs in memory: queue, scheduler and the store's index together, counted
// at the allocator. docs/queue.md states the figure; a million messages are measured with
//   POSTRIDER_MESSAGES=1000000 queue_test --gtest_filter='Memory*'
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "queue/recovery.hpp"
#include "queue_world.hpp"
#include "store/segment_log.hpp"

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#include <sanitizer/allocator_interface.h>
static std::int64_t allocated() {
  return static_cast<std::int64_t>(__sanitizer_get_current_allocated_bytes());
}
#else
static std::int64_t allocated() {
  const auto all = ::mallinfo2();
  return static_cast<std::int64_t>(all.uordblks + all.hblkhd);
}
#endif

namespace postrider::queue {
namespace {

std::size_t wanted_messages() {
  const char* text = std::getenv("POSTRIDER_MESSAGES");
  return text ? std::strtoull(text, nullptr, 10) : 20'000;
}

/// One loop in virtual time over the real store, whose writer runs when the test says.
class MemoryTest : public ::testing::Test {
 protected:
  MemoryTest() {
    std::string pattern = ::testing::TempDir() + "postrider-memory-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
  }
  ~MemoryTest() override {
    stop();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    world_ = std::make_unique<runtime::SimWorld>();
    store_ = store::SegmentLog::open({.folder = folder_ + "/spool"}, store::posix_file_system(),
                                     {.manual = true})
                 .value();
    peers_ = std::make_shared<Peers>(1U, 16ULL << 20U);
    queue_ = std::make_unique<LoopQueue>(QueueParts{world_->loop(), *store_, log_, peers_, 0,
                                                    [] { return nullptr; }, QueueOptions{}});
    queue_->on_courier_wanted([this](const Destination& destination) {
      while (auto delivery = queue_->take(destination))
        queue_->finish(std::move(*delivery), unreachable(*delivery));
      queue_->courier_left(destination);
    });
  }
  void stop() {
    queue_.reset();
    if (store_) store_->close();
    store_.reset();
    world_.reset();
  }
  static DeliveryResult unreachable(const Delivery& delivery) {
    const std::string host = "mx1." + delivery.destination.name;
    Outcome outcome;
    outcome.status = {4, 4, 1};
    outcome.remote = host + " [192.0.2.25]";
    outcome.text = "could not connect to " + host + " [192.0.2.25]: connection timed out";
    return {std::vector(delivery.indices.size(), outcome), true, false};
  }

  void accept(std::size_t message, std::size_t recipients, std::size_t destinations) {
    Submission submission;
    submission.id = queue_->new_id();
    submission.reverse_path = Path::parse(fmt::format("sender{}@example.net", message)).value();
    for (std::size_t i = 0; i < recipients; ++i) {
      const std::size_t place = (message * recipients + i) % destinations;
      submission.recipients.push_back(
          {Path::parse(fmt::format("some.recipient{}@domain{}.example", message, place)).value(),
           {}});
    }
    submission.body = store::make_memory_body("Subject: x\r\n\r\n" + std::string(100, 'x'));
    submission.session = fmt::format("0kq7f3a9{:05}", message % 100'000);
    sessions_.push_back(queue_->submit(std::move(submission)));
    ASSERT_FALSE(sessions_.back().start());
    if (sessions_.size() == 1000) answer();
  }
  /// What was submitted is made durable by one flush.
  void answer() {
    store_->drive();
    world_->run_for(0ms);
    for (auto& session : sessions_) {
      ASSERT_TRUE(session.is_done());
      ASSERT_TRUE(session.take());
    }
    sessions_.clear();
  }
  void settle() {
    for (int round = 0; round < 3; ++round) {
      store_->drive();
      world_->run_for(1ms);
    }
    ASSERT_TRUE(queue_->is_settled());
  }
  /// Octets in use now beyond `before`, for each of `count`.
  static std::int64_t each(std::int64_t before, std::size_t count) {
    return (allocated() - before) / static_cast<std::int64_t>(count);
  }

  /// Octets of memory for each message: after acceptance and a first attempt, and after a restart.
  std::pair<std::int64_t, std::int64_t> measure(std::size_t messages, std::size_t recipients,
                                                std::size_t destinations) {
    start();
    const std::int64_t before = allocated();
    for (std::size_t i = 0; i < messages && !HasFatalFailure(); ++i)
      accept(i, recipients, destinations);
    answer();
    settle();
    EXPECT_EQ(queue_->counts().messages, messages);
    const std::int64_t waiting = each(before, messages);
    stop();
    start();
    const std::int64_t again = allocated();
    EXPECT_TRUE(recover(*store_, *peers_, log_));
    world_->run_for(1ms);
    settle();
    EXPECT_EQ(queue_->counts().messages, messages);
    const std::int64_t recovered = each(again, messages);
    fmt::print(
        "{} messages, {} recipients each, {} destinations: {} octets a message, "
        "after a restart {}\n",
        messages, recipients, destinations, waiting, recovered);
    return {waiting, recovered};
  }

  class Silence final : public Log {
   public:
    void write(LogLevel, std::string_view, std::initializer_list<LogField>) noexcept override {}
    bool is_on(LogLevel) const noexcept override { return false; }
  };
  std::string folder_;
  Silence log_;
  std::unique_ptr<runtime::SimWorld> world_;
  std::unique_ptr<store::SegmentLog> store_;
  std::shared_ptr<Peers> peers_;
  std::unique_ptr<LoopQueue> queue_;
  std::vector<Task<store::Result<void>>> sessions_;
};

TEST_F(MemoryTest, AWaitingMessageWithOneRecipient) {
  const std::size_t messages = wanted_messages();
  const auto [waiting, recovered] = measure(messages, 1, std::max<std::size_t>(1, messages / 10));
  EXPECT_LT(waiting, 700);
  EXPECT_LT(recovered, 520);
}

TEST_F(MemoryTest, AWaitingMessageWithTenRecipients) {
  const std::size_t messages = std::max<std::size_t>(1, wanted_messages() / 10);
  const auto [waiting, recovered] = measure(messages, 10, messages);
  EXPECT_LT(waiting, 4300);  // a destination of its own each, too
  EXPECT_LT(recovered, 2900);
}

}  // namespace
}  // namespace postrider::queue
