// SPDX-License-Identifier: MIT
#include "support/sim_store.hpp"

#include <algorithm>
#include <utility>

namespace postrider::sim {
namespace {

using store::Errc;
using store::Error;

class Writer final : public store::BodyWriter {
 public:
  store::Result<void> append(std::string_view octets) override {
    octets_ += octets;
    return {};
  }
  store::Result<store::BodyPtr> finish() override {
    return store::make_memory_body(std::move(octets_));
  }

 private:
  std::string octets_;
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

store::Result<std::unique_ptr<store::BodyWriter>> SimStore::new_body(store::MessageId) {
  return std::make_unique<Writer>();
}

void SimStore::commit(store::Transaction transaction, store::Durability, store::Done done) {
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
