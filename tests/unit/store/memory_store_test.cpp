// SPDX-License-Identifier: MIT
// The memory engine answers each commit once and keeps transactions whole.
#include <future>

#include <gtest/gtest.h>

#include "store/store.hpp"

namespace postrider::store {
namespace {

Result<void> commit(Store& store, Transaction transaction) {
  std::promise<Result<void>> answer;
  auto future = answer.get_future();
  store.commit(std::move(transaction), Durability::sync,
               [&](Result<void> result) { answer.set_value(std::move(result)); });
  return future.get();
}

TEST(MemoryStore, AddsUpdatesAndRemoves) {
  const auto store = make_memory_store();
  const MessageId id = store->new_id();
  EXPECT_GT(store->new_id(), id);
  Transaction add;
  add.add.push_back({id, "envelope", "state", make_memory_body("body")});
  ASSERT_TRUE(commit(*store, std::move(add)));
  EXPECT_EQ((*store->body(id))->memory(), "body");
  EXPECT_EQ(store->stats().messages, 1u);
  ASSERT_TRUE(commit(*store, {.add = {}, .update = {{id, "later"}}, .remove = {}}));
  ASSERT_TRUE(commit(*store, {.add = {}, .update = {}, .remove = {{id}}}));
  EXPECT_EQ(store->body(id).error().code, Errc::not_found);
}

TEST(MemoryStore, DoesAllOrNothing) {
  const auto store = make_memory_store();
  Transaction both;
  both.add.push_back({store->new_id(), "e", "s", make_memory_body("b")});
  both.remove.push_back({4711});
  EXPECT_EQ(commit(*store, std::move(both)).error().code, Errc::not_found);
  EXPECT_EQ(store->stats().messages, 0u);
}

TEST(MemoryStore, TakesABodyInPieces) {
  const auto store = make_memory_store();
  auto writer = store->new_body(store->new_id());
  ASSERT_TRUE((*writer)->append("one "));
  ASSERT_TRUE((*writer)->append("two"));
  EXPECT_EQ((*(*writer)->finish())->memory(), "one two");
}

}  // namespace
}  // namespace postrider::store
