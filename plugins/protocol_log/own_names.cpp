// SPDX-License-Identifier: MIT
#include "own_names.hpp"

#include <algorithm>
#include <vector>

#include <postrider/path.hpp>

namespace postrider::protocol_log {
namespace {

constexpr std::size_t kMostAddresses = 16;
constexpr Duration kRefresh = std::chrono::hours(1);
constexpr Duration kLimit = 30s;

}  // namespace

void OwnNames::start() {
  watches_ = true;
  host_.spawn(watch(*this));
}

bool OwnNames::add(const IpAddress& address) {
  if (address.is_unspecified() || states_.contains(address)) return false;
  return states_.size() < kMostAddresses && states_.emplace(address, std::string()).second;
}

void OwnNames::saw(const IpAddress& address) {
  if (watches_ && add(address)) host_.spawn(look_up(*this, address));
}

std::string_view OwnNames::state(const IpAddress& address) const {
  const auto known = states_.find(address);
  return known == states_.end() ? std::string_view() : std::string_view(known->second);
}

Task<void> OwnNames::watch(OwnNames& self) {
  for (;;) {
    for (const SocketAddress& listener : self.host_.listeners())
      if (!listener.address.is_loopback()) self.add(listener.address);
    if (is_host_name(self.host_.hostname())) {
      const auto ours =
          co_await self.host_.dns().addresses(self.host_.hostname(), AddressFamily::any);
      if (ours)
        for (const IpAddress& address : ours->records) self.add(address);
    }
    std::vector<IpAddress> addresses;
    for (const auto& [address, state] : self.states_) addresses.push_back(address);
    for (const IpAddress& address : addresses) co_await look_up(self, address);
    co_await sleep_for(self.host_.loop(), kRefresh);
  }
}

Task<void> OwnNames::look_up(OwnNames& self, IpAddress address) {
  auto limited = within(self.host_.loop(), kLimit, judge(self, address));
  const auto state = co_await limited;
  self.states_[address] =
      state ? *state : "our own address " + address.text() + " could not be looked up in time";
}

Task<std::string> OwnNames::judge(OwnNames& self, IpAddress address) {
  const std::string ours = "our own address " + address.text();
  const std::string host = lower(self.host_.hostname());
  const auto names = co_await self.host_.dns().ptr(address);
  if (!names && names.error().is_temporary())
    co_return ours + " could not be looked up (" + printable(names.error().text, 200) + ")";
  if (!names) co_return ours + " has no PTR record: it should say " + host;
  std::string shown;
  for (const std::string& raw : names->records) {
    std::string name = lower(raw);
    if (name.ends_with('.')) name.pop_back();
    if (!is_host_name(name)) continue;
    shown += (shown.empty() ? "" : ", ") + name;
    if (name != host) continue;
    const AddressFamily family = address.is_v4() ? AddressFamily::v4 : AddressFamily::v6;
    const auto back = co_await self.host_.dns().addresses(name, family);
    if (back && std::ranges::find(back->records, address) != back->records.end())
      co_return ours + " has the name " + host + ", which leads back to it: our PTR is right";
    co_return ours + " has the name " + host + ", but that name does not lead back to it";
  }
  if (shown.empty()) co_return ours + " has a PTR record that is no host name";
  co_return ours + " has the name " + shown + ", but we call ourselves " + host;
}

}  // namespace postrider::protocol_log
