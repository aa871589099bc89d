// SPDX-License-Identifier: MIT
#include "queue/queued_record.hpp"

#include <algorithm>

namespace postrider::queue {

QueuedRecord::QueuedRecord(store::MessageId id, Envelope envelope, WallTime give_up_at,
                           std::uint64_t size, store::Store& store, MemoryBudget& budget)
    : id_(id),
      queue_id_(Queue::id_text(id)),
      envelope_(std::move(envelope)),
      give_up_at_(give_up_at),
      size_(size),
      store_(store),
      budget_(budget) {}

QueuedRecord::~QueuedRecord() {
  drop_body();
}

void QueuedRecord::group_by(const std::vector<Destination>& destinations) {
  // Many recipients, few destinations: find the group from the back, where the last one went.
  std::vector<std::pair<const Destination*, std::vector<std::uint32_t>>> found;
  for (std::uint32_t i = 0; i < destinations.size(); ++i) {
    const auto same = std::find_if(found.rbegin(), found.rend(), [&](const auto& group) {
      return *group.first == destinations[i];
    });
    if (same == found.rend())
      found.push_back({&destinations[i], {i}});
    else
      same->second.push_back(i);
  }
  groups_ = std::vector<RecipientGroup>(found.size());
  for (std::uint32_t g = 0; g < found.size(); ++g) {
    groups_[g].destination = *found[g].first;
    groups_[g].indices = std::move(found[g].second);
    groups_[g].number = g;
  }
}

void QueuedRecord::keep(store::BodyPtr body) {
  const std::uint64_t octets = body ? body->memory().size() : 0;
  if (octets == 0 || !budget_.take(octets)) return;
  const std::scoped_lock lock(mutex_);
  body_ = std::move(body);
  charged_ = octets;
  kept_ = true;
}

void QueuedRecord::let_go() noexcept {
  const std::scoped_lock lock(mutex_);
  kept_ = false;
  if (uses_ == 0) drop_body();
}

void QueuedRecord::begin_use() noexcept {
  const std::scoped_lock lock(mutex_);
  ++uses_;
}

void QueuedRecord::end_use() noexcept {
  const std::scoped_lock lock(mutex_);
  if (--uses_ == 0 && !kept_) drop_body();
}

void QueuedRecord::drop_body() noexcept {
  body_.reset();
  budget_.give_back(std::exchange(charged_, 0));
}

store::Result<store::BodyPtr> QueuedRecord::body() const {
  {
    const std::scoped_lock lock(mutex_);
    if (body_) return body_;
  }
  auto loaded = store_.body(id_);
  if (!loaded) return loaded;
  const std::scoped_lock lock(mutex_);
  if (uses_ > 0 && !body_) body_ = *loaded;
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
  const std::scoped_lock lock(mutex_);
  return body_ ? body_->memory() : std::string_view();
}

}  // namespace postrider::queue
