// SPDX-License-Identifier: MIT
// A store in memory that belongs to a simulated world: it answers on the loop, in virtual time, so
// that a run is the same each time; and it outlives a server, so that a restart finds the mail.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>

#include "runtime/runtime.hpp"
#include "store/store.hpp"

namespace postrider::sim {

/// [one thread] Outlived by the loop; outlives every server that uses it.
class SimStore final : public store::Store {
 public:
  /// The large bodies there are, as files would be.
  using Names = std::set<store::MessageId>;
  explicit SimStore(runtime::Runtime& loop) : loop_(loop) {}

  store::Result<store::Recovered> recover(std::function<void(store::Stored)> each) override;
  store::MessageId new_id() override;
  bool admits(std::uint64_t) const noexcept override { return true; }
  store::Result<std::unique_ptr<store::BodyWriter>> new_body(store::MessageId id) override;
  std::uint64_t large_body_size() const noexcept override { return 128U << 10U; }
  void commit(store::Transaction transaction, store::Durability durability,
              store::Done done) override;
  store::Result<store::BodyPtr> body(store::MessageId id) const override;
  store::Result<store::Stored> load(store::MessageId id) const override;
  store::Stats stats() const override;
  void close() override {}

  /// From now on no commit ends, until flush().
  void pause() noexcept { paused_ = true; }
  void flush();
  /// The transactions that wait.
  struct Waiting {
    store::Transaction transaction;
    store::Done done;
  };
  const std::deque<Waiting>& waiting() const noexcept { return waiting_; }

 private:
  bool fits(const store::Transaction& transaction) const;
  void apply(store::Transaction transaction);

  runtime::Runtime& loop_;
  std::shared_ptr<Names> names_ = std::make_shared<Names>();
  std::map<store::MessageId, store::Add> messages_;
  std::deque<Waiting> waiting_;
  bool paused_ = false;
  store::MessageId last_id_ = 0;
  std::uint64_t commits_ = 0;
};

}  // namespace postrider::sim
