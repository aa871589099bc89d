// SPDX-License-Identifier: MIT
#include "receive/session_table.hpp"

#include <bit>
#include <string_view>

namespace postrider::receive {

std::size_t SessionTable::Hash::operator()(const IpAddress& address) const noexcept {
  const auto octets = address.octets();
  return std::hash<std::string_view>{}(
      std::string_view(reinterpret_cast<const char*>(octets.data()), octets.size()));
}

SessionTable::Entry SessionTable::enter(const IpAddress& client, std::size_t limit,
                                        std::size_t client_limit) {
  const std::scoped_lock lock(mutex_);
  if (total_.load(std::memory_order_relaxed) >= limit) return Entry::too_many;
  std::size_t& count = clients_[client];
  if (count >= client_limit) return Entry::too_many_of_client;
  ++count;
  total_.fetch_add(1, std::memory_order_relaxed);
  entered_.fetch_add(1, std::memory_order_relaxed);
  return Entry::granted;
}

void SessionTable::leave(const IpAddress& client) noexcept {
  const std::scoped_lock lock(mutex_);
  const auto found = clients_.find(client);
  if (found == clients_.end()) return;
  if (--found->second == 0) clients_.erase(found);
  total_.fetch_sub(1, std::memory_order_relaxed);
}

void SessionTable::greeted(Duration after) noexcept {
  const auto ms = static_cast<std::uint64_t>(after.count() < 0 ? 0 : after.count());
  const auto bucket =
      std::min<std::size_t>(static_cast<std::size_t>(std::bit_width(ms)), banner_.size() - 1);
  banner_[bucket].fetch_add(1, std::memory_order_relaxed);
  std::uint64_t seen = banner_max_.load(std::memory_order_relaxed);
  while (seen < ms && !banner_max_.compare_exchange_weak(seen, ms)) {
  }
}

SessionTable::Figures SessionTable::figures() const {
  Figures figures{.sessions_now = size(),
                  .sessions_total = entered_,
                  .messages = messages_,
                  .refusals = refusals_,
                  .banner_max_ms = banner_max_};
  std::uint64_t all = 0;
  for (const auto& bucket : banner_) all += bucket;
  const auto percentile = [&](std::uint64_t share) -> std::uint64_t {
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < banner_.size(); ++i) {
      below += banner_[i];
      if (below * 100 >= all * share) return i == 0 ? 0 : (1ull << i) - 1;
    }
    return figures.banner_max_ms;
  };
  if (all == 0) return figures;
  figures.banner_p50_ms = std::min(percentile(50), figures.banner_max_ms);
  figures.banner_p99_ms = std::min(percentile(99), figures.banner_max_ms);
  return figures;
}

}  // namespace postrider::receive
