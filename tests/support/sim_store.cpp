// SPDX-License-Identifier: MIT
#include "support/sim_store.hpp"

#include <algorithm>
#include <utility>

namespace postrider::sim {
namespace {

using store::Errc;
using store::Error;

/// A file that is gone when its writer or body is.
class Name {
 public:
  Name(std::shared_ptr<SimStore::Names> names, store::MessageId id)
      : names_(std::move(names)), id_(id) {}
  Name(const Name&) = delete;
  Name& operator=(const Name&) = delete;
  ~Name() { names_->erase(id_); }

 private:
  std::shared_ptr<SimStore::Names> names_;
  store::MessageId id_;
};

class LargeBody final : public store::Body {
 public:
  LargeBody(std::string octets, std::unique_ptr<Name> name)
      : octets_(std::move(octets)), name_(std::move(name)) {}
  std::uint64_t size() const noexcept override { return octets_.size(); }
  std::string_view memory() const noexcept override { return {}; }
  store::Result<std::size_t> read(std::uint64_t offset, char* target,
                                  std::size_t length) const override {
    return offset < octets_.size() ? octets_.copy(target, length, offset) : 0;
  }

 private:
  std::string octets_;
  std::unique_ptr<Name> name_;
};

class Writer final : public store::BodyWriter {
 public:
  explicit Writer(std::unique_ptr<Name> name) : name_(std::move(name)) {}
  store::Result<void> append(std::string_view octets) override {
    octets_ += octets;
    return {};
  }
  store::Result<store::BodyPtr> finish() override {
    return std::make_shared<LargeBody>(std::move(octets_), std::move(name_));
  }

 private:
  std::string octets_;
  std::unique_ptr<Name> name_;
};

}  // namespace

store::Result<store::Recovered> SimStore::recover(std::function<void(store::Stored)> each) {
  for (const auto& [id, message] : messages_)
    each({id, message.envelope, message.state, message.body->size()});
  store::Recovered recovered;
  recovered.messages = messages_.size();
  return recovered;
}

store::MessageId SimStore::new_id() {
  const auto now = static_cast<store::MessageId>(loop_.wall_now().time_since_epoch().count());
  last_id_ = std::max(last_id_ + 1, now << 20U);
  return last_id_;
}

store::Result<std::unique_ptr<store::BodyWriter>> SimStore::new_body(store::MessageId id) {
  if (!names_->insert(id).second)
    return std::unexpected(Error{Errc::io, "the file of this body exists"});
  return std::make_unique<Writer>(std::make_unique<Name>(names_, id));
}

void SimStore::flush() {
  paused_ = false;
  for (Waiting& one : std::exchange(waiting_, {}))
    commit(std::move(one.transaction), store::Durability::sync, std::move(one.done));
}

void SimStore::commit(store::Transaction transaction, store::Durability, store::Done done) {
  if (paused_) {
    waiting_.push_back({std::move(transaction), std::move(done)});
    return;
  }
  store::Result<void> result;
  if (fits(transaction))
    apply(std::move(transaction));
  else
    result = std::unexpected(Error{Errc::not_found, "no such message, or the id is in use"});
  loop_.post([answer = std::move(done), result]() mutable { answer(std::move(result)); });
}

store::Result<store::BodyPtr> SimStore::body(store::MessageId id) const {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return std::unexpected(Error{Errc::not_found, "no such message"});
  return found->second.body;
}

store::Result<store::Stored> SimStore::load(store::MessageId id) const {
  const auto found = messages_.find(id);
  if (found == messages_.end()) return std::unexpected(Error{Errc::not_found, "no such message"});
  const store::Add& message = found->second;
  return store::Stored{id, message.envelope, message.state, message.body->size()};
}

store::Stats SimStore::stats() const {
  store::Stats stats;
  stats.messages = messages_.size();
  for (const auto& [id, message] : messages_) stats.bytes += message.body->size();
  stats.commits = stats.flushes = commits_;
  return stats;
}

bool SimStore::fits(const store::Transaction& transaction) const {
  const auto known = [&](const auto& step) { return messages_.contains(step.id); };
  const auto is_new = [&](const store::Add& add) {
    return add.body && !messages_.contains(add.id);
  };
  return std::ranges::all_of(transaction.add, is_new) &&
         std::ranges::all_of(transaction.update, known) &&
         std::ranges::all_of(transaction.remove, known);
}

void SimStore::apply(store::Transaction transaction) {
  ++commits_;
  for (store::Add& add : transaction.add) messages_[add.id] = std::move(add);
  for (store::Update& update : transaction.update)
    messages_[update.id].state = std::move(update.state);
  for (const store::Remove& remove : transaction.remove) messages_.erase(remove.id);
}

}  // namespace postrider::sim
