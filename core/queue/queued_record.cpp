// SPDX-License-Identifier: MIT
#include "queue/queued_record.hpp"

#include <algorithm>
#include <mutex>

#include "queue/destination_rules.hpp"
#include "queue/envelope_codec.hpp"
#include "queue/retry_policy.hpp"

namespace postrider::queue {

QueuedRecord::QueuedRecord(store::MessageId id, Envelope envelope, WallTime give_up_at,
                           std::uint64_t size, store::Store& store)
    : id_(id),
      arrived_(envelope.arrived),
      give_up_at_(give_up_at),
      size_(size),
      null_sender_(envelope.reverse_path.is_null()),
      store_(store),
      open_(std::make_unique<Open>(Queue::id_text(id), std::move(envelope))) {}

QueuedRecord::~QueuedRecord() {
  dispose(std::move(open_));
}

WallTime QueuedRecord::give_up_at(const DestinationRule* rule) const noexcept {
  const bool is_ruled = rule && rule->give_up > Duration{} && !is_give_up_ordered();
  return is_ruled ? give_up_time(arrived_ + moved_.load(), rule->give_up) : give_up_at();
}

void QueuedRecord::move_times(Duration by, WallTime now, Duration life) noexcept {
  const WallTime given = give_up_at();
  const Duration most = std::max(life, given - arrived_);
  give_up_at_.store(std::min(given + by, now + most));
  moved_.store(std::min(moved_.load() + by, now - arrived_));
}

void QueuedRecord::group_by(const std::vector<DestinationPtr>& destinations) {
  // Many recipients, few destinations: find the group from the back, where the last one went.
  std::vector<std::pair<const DestinationPtr*, std::vector<std::uint32_t>>> found;
  for (std::uint32_t i = 0; i < destinations.size(); ++i) {
    const auto same = std::find_if(found.rbegin(), found.rend(), [&](const auto& group) {
      return *group.first == destinations[i];
    });
    if (same == found.rend())
      found.push_back({&destinations[i], {i}});
    else
      same->second.push_back(i);
  }
  groups_.reset(found.size());
  for (std::uint32_t g = 0; g < found.size(); ++g) {
    groups_[g].destination = *found[g].first;
    groups_[g].indices.assign(found[g].second);
    groups_[g].number = g;
  }
}

void QueuedRecord::keep(store::BodyPtr body, const std::shared_ptr<runtime::MemoryBudget>& budget) {
  const std::uint64_t small = body ? body->memory().size() : 0;
  const std::uint64_t octets =
      small + sizeof(Open) + open_->envelope.recipients.size() * 2 * sizeof(Recipient);
  if (!budget->take(octets)) return let_go();
  const std::scoped_lock lock(lock_);
  open_->keeps_body = small > 0;
  if (small > 0) open_->body = std::move(body);
  open_->budget = budget;
  open_->charged = octets;
}

void QueuedRecord::let_go() noexcept {
  OpenPtr gone;
  {
    const std::scoped_lock lock(lock_);
    kept_ = false;
    gone = closed();
  }
  dispose(std::move(gone));
}

store::Result<void> QueuedRecord::begin_use() {
  {
    const std::scoped_lock lock(lock_);
    ++uses_;
    if (open_) return {};
  }
  auto loaded = load();
  const std::scoped_lock lock(lock_);
  if (!loaded) {
    --uses_;
    return std::unexpected(loaded.error());
  }
  if (!open_) open_ = std::move(*loaded);
  return {};
}

void QueuedRecord::end_use() noexcept {
  OpenPtr gone;
  store::BodyPtr body;
  {
    const std::scoped_lock lock(lock_);
    --uses_;
    if (uses_ == 0 && !open_->keeps_body) body = std::move(open_->body);
    gone = closed();
  }
  dispose(std::move(gone));
}

store::Result<QueuedRecord::OpenPtr> QueuedRecord::load() const {
  const auto stored = store_.load(id_);
  if (!stored) return std::unexpected(stored.error());
  auto envelope = decode_envelope(stored->envelope);
  if (!envelope) return std::unexpected(store::Error{store::Errc::corrupt, envelope.error()});
  return std::make_unique<Open>(Queue::id_text(id_), std::move(*envelope));
}

// What is to be thrown away, once the lock is free.
QueuedRecord::OpenPtr QueuedRecord::closed() noexcept {
  return uses_ == 0 && !kept_ ? std::move(open_) : nullptr;
}

void QueuedRecord::dispose(OpenPtr open) noexcept {
  if (open && open->budget) open->budget->give_back(open->charged);
}

store::Result<store::BodyPtr> QueuedRecord::body() const {
  {
    const std::scoped_lock lock(lock_);
    if (open_ && open_->body) return open_->body;
  }
  auto loaded = store_.body(id_);
  if (!loaded) return loaded;
  const std::scoped_lock lock(lock_);
  if (uses_ > 0 && !open_->body) open_->body = *loaded;
  return loaded;
}

std::string QueuedRecord::read(std::uint64_t offset, std::size_t length) const {
  const auto whole = body();
  if (!whole || offset >= (*whole)->size()) return {};
  const auto rest = (*whole)->size() - offset;
  std::string octets(static_cast<std::size_t>(std::min<std::uint64_t>(length, rest)), '\0');
  const auto got = (*whole)->read(offset, octets.data(), octets.size());
  octets.resize(got ? *got : 0);
  return octets;
}

std::string_view QueuedRecord::memory() const noexcept {
  const std::scoped_lock lock(lock_);
  return open_ && open_->body ? open_->body->memory() : std::string_view();
}

}  // namespace postrider::queue
