// SPDX-License-Identifier: MIT
#include <limits>

#include <gtest/gtest.h>

#include "queue/queue.hpp"

namespace postrider::queue {
namespace {

TEST(QueueId, IsThirteenDigitsAndComesBack) {
  for (const store::MessageId id :
       {store::MessageId{0}, store::MessageId{31}, store::MessageId{32},
        store::MessageId{0x123456789ABCDEF0}, std::numeric_limits<store::MessageId>::max()}) {
    const std::string text = Queue::id_text(id);
    EXPECT_EQ(text.size(), 13U);
    EXPECT_EQ(Queue::parse_id(text), id) << text;
  }
  EXPECT_EQ(Queue::id_text(0), "0000000000000");
  EXPECT_EQ(Queue::id_text(std::numeric_limits<store::MessageId>::max()), "fzzzzzzzzzzzz");
}

TEST(QueueId, SortsLikeItsNumber) {
  std::string before = Queue::id_text(0);
  for (store::MessageId id = 1; id != 0 && id < store::MessageId{1} << 63U; id = id * 3 + 1) {
    const std::string text = Queue::id_text(id);
    EXPECT_LT(before, text);
    before = text;
  }
}

TEST(QueueId, TakesUpperCaseAndNothingElse) {
  EXPECT_EQ(Queue::parse_id("FZZZZZZZZZZZZ"), std::numeric_limits<store::MessageId>::max());
  for (const char* text : {"", "0", "00000000000000", "000000000000u", "000000000000l",
                           "000000000000 ", "g000000000000", "zzzzzzzzzzzzz"})
    EXPECT_FALSE(Queue::parse_id(text)) << text;
}

TEST(QueueId, EveryStateHasAName) {
  EXPECT_EQ(state_name(RecipientState::queued), "queued");
  EXPECT_EQ(state_name(RecipientState::failed), "failed");
}

}  // namespace
}  // namespace postrider::queue
