// SPDX-License-Identifier: MIT
// A store for the tests of the queue: what is durable outlives the queues, every transaction is
// remembered, reads and commits can fail, commits be kept waiting. Answers come by post, never
// inside commit().
#pragma once

#include <deque>
#include <map>

#include "runtime/runtime.hpp"
#include "store/store.hpp"

namespace postrider::queue {

/// What a transaction did, without the bodies.
struct Recorded {
  std::vector<store::MessageId> added, updated, removed;
  store::Durability durability{};
};

class RecordingStore final : public store::Store {
 public:
  explicit RecordingStore(runtime::Runtime& runtime) : runtime_(&runtime) {}
  /// After a restart there is another loop.
  void move_to(runtime::Runtime& runtime) {
    runtime_ = &runtime;
    waiting_.clear();
  }

  store::Result<store::Recovered> recover(std::function<void(store::Stored)> each) override {
    for (const auto& [id, add] : durable) each({id, add.envelope, add.state, add.body->size()});
    return store::Recovered{durable.size(), 0, 0, {}};
  }
  store::MessageId new_id() override { return next_id_++; }
  bool admits(std::uint64_t) const noexcept override { return admitting; }
  std::uint64_t large_body_size() const noexcept override { return 1U << 20U; }
  store::Result<std::unique_ptr<store::BodyWriter>> new_body(store::MessageId) override {
    return std::unexpected(store::Error{store::Errc::io, "no large bodies here"});
  }
  void commit(store::Transaction transaction, store::Durability durability,
              store::Done done) override {
    waiting_.push_back({std::move(transaction), durability, std::move(done)});
    if (!paused) flush();
  }
  /// The disk turns.
  void flush() {
    while (!waiting_.empty()) {
      Waiting next = std::move(waiting_.front());
      waiting_.pop_front();
      runtime_->post([done = std::move(next.done), result = apply(next)]() mutable {
        done(std::move(result));
      });
    }
  }
  store::Result<store::BodyPtr> body(store::MessageId id) const override {
    ++bodies_read;
    if (unreadable) return std::unexpected(momentary());
    const auto found = durable.find(id);
    if (found == durable.end())
      return std::unexpected(store::Error{store::Errc::not_found, "no such message"});
    return found->second.body;
  }
  store::Result<store::Stored> load(store::MessageId id) const override {
    ++texts_read;
    if (unreadable) return std::unexpected(momentary());
    const auto found = durable.find(id);
    if (found == durable.end())
      return std::unexpected(store::Error{store::Errc::not_found, "no such message"});
    const store::Add& add = found->second;
    return store::Stored{id, add.envelope, add.state, add.body->size()};
  }
  store::Stats stats() const override { return {}; }
  void close() override {}

  std::map<store::MessageId, store::Add> durable;
  std::vector<Recorded> transactions;
  bool paused = false;
  bool admitting = true;
  bool unreadable = false;  ///< for the moment
  int failures = 0;         ///< so many commits to come fail
  mutable int bodies_read = 0;
  mutable int texts_read = 0;

 private:
  struct Waiting {
    store::Transaction transaction;
    store::Durability durability;
    store::Done done;
  };
  static store::Error momentary() {
    return {store::Errc::io, "pread /spool/log/00000001.log: Input/output error"};
  }
  store::Result<void> apply(Waiting& waiting) {
    if (failures > 0) {
      --failures;
      return std::unexpected(store::Error{store::Errc::io, "fdatasync: Input/output error"});
    }
    Recorded& record = transactions.emplace_back();
    record.durability = waiting.durability;
    for (store::Add& add : waiting.transaction.add) {
      record.added.push_back(add.id);
      durable[add.id] = std::move(add);
    }
    for (store::Update& update : waiting.transaction.update) {
      record.updated.push_back(update.id);
      durable.at(update.id).state = std::move(update.state);
    }
    for (const store::Remove& remove : waiting.transaction.remove) {
      record.removed.push_back(remove.id);
      durable.erase(remove.id);
    }
    return {};
  }

  runtime::Runtime* runtime_;
  std::deque<Waiting> waiting_;
  store::MessageId next_id_ = 1000;
};

}  // namespace postrider::queue
