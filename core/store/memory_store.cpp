// SPDX-License-Identifier: MIT
// The store without a disk, for tests: the same transactions, answered by one thread that calls
// `done` as the log's does.
#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "store/id_source.hpp"
#include "store/store.hpp"

namespace postrider::store {
namespace {

constexpr std::uint64_t kLargeBody = 128ull << 10;

class MemoryBodyWriter final : public BodyWriter {
 public:
  Result<void> append(std::string_view octets) override {
    octets_ += octets;
    return {};
  }
  Result<BodyPtr> finish() override { return make_memory_body(std::move(octets_)); }

 private:
  std::string octets_;
};

class MemoryStore final : public Store {
 public:
  MemoryStore() : answerer_([this] { answer(); }) {}
  MemoryStore(const MemoryStore&) = delete;
  MemoryStore& operator=(const MemoryStore&) = delete;
  ~MemoryStore() override { MemoryStore::close(); }

  Result<Recovered> recover(std::function<void(Stored)>) override { return Recovered{}; }
  MessageId new_id() override { return ids_.next(); }
  bool admits(std::uint64_t) const noexcept override { return true; }
  std::uint64_t large_body_size() const noexcept override { return kLargeBody; }
  Result<std::unique_ptr<BodyWriter>> new_body(MessageId) override {
    return std::make_unique<MemoryBodyWriter>();
  }

  void commit(Transaction transaction, Durability, Done done) override {
    std::unique_lock guard(mutex_);
    Result<void> result;
    if (closing_) {
      guard.unlock();
      done(std::unexpected(Error{Errc::closing, "the store is closed"}));
      return;
    }
    if (!fits(transaction)) {
      result = std::unexpected(Error{Errc::not_found, "no such message, or the id is in use"});
    } else {
      apply(std::move(transaction));
    }
    answers_.emplace_back(std::move(done), std::move(result));
    work_.notify_one();
  }

  Result<BodyPtr> body(MessageId id) const override {
    const std::lock_guard guard(mutex_);
    const auto found = messages_.find(id);
    if (found == messages_.end()) return std::unexpected(Error{Errc::not_found, "no such message"});
    return found->second.body;
  }

  Result<Stored> load(MessageId id) const override {
    const std::lock_guard guard(mutex_);
    const auto found = messages_.find(id);
    if (found == messages_.end()) return std::unexpected(Error{Errc::not_found, "no such message"});
    const Add& message = found->second;
    return Stored{id, message.envelope, message.state, message.body->size()};
  }

  Stats stats() const override {
    const std::lock_guard guard(mutex_);
    Stats stats;
    stats.messages = messages_.size();
    for (const auto& [id, message] : messages_) stats.bytes += message.body->size();
    stats.commits = commits_;
    return stats;
  }

  void close() override {
    {
      const std::lock_guard guard(mutex_);
      closing_ = true;
      work_.notify_one();
    }
    if (answerer_.joinable()) answerer_.join();
  }

 private:
  bool fits(const Transaction& transaction) const {
    for (const Add& add : transaction.add) {
      if (!add.body || messages_.contains(add.id)) return false;
    }
    const auto known = [&](const auto& step) { return messages_.contains(step.id); };
    return std::ranges::all_of(transaction.update, known) &&
           std::ranges::all_of(transaction.remove, known);
  }

  void apply(Transaction transaction) {
    for (Add& add : transaction.add) messages_[add.id] = std::move(add);
    for (Update& update : transaction.update) {
      messages_[update.id].state = std::move(update.state);
    }
    for (const Remove& remove : transaction.remove) messages_.erase(remove.id);
    ++commits_;
  }

  void answer() {
    std::unique_lock guard(mutex_);
    while (true) {
      work_.wait(guard, [this] { return closing_ || !answers_.empty(); });
      if (answers_.empty()) return;
      auto answers = std::exchange(answers_, {});
      guard.unlock();
      for (auto& [done, result] : answers) done(std::move(result));
      guard.lock();
    }
  }

  IdSource ids_;
  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::map<MessageId, Add> messages_;
  std::vector<std::pair<Done, Result<void>>> answers_;
  std::uint64_t commits_ = 0;
  bool closing_ = false;
  std::thread answerer_;
};

}  // namespace

std::unique_ptr<Store> make_memory_store() {
  return std::make_unique<MemoryStore>();
}

}  // namespace postrider::store
