// SPDX-License-Identifier: MIT
#include "receive/session_table.hpp"

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

SessionTable::Figures SessionTable::figures(TimePoint now) const {
  return {.sessions_now = size(),
          .sessions_total = entered_,
          .messages = messages_,
          .refusals = refusals_,
          .banner = banner_.figures(now)};
}

}  // namespace postrider::receive
