// SPDX-License-Identifier: MIT
#include "deliver/connector.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <postrider/race.hpp>

namespace postrider::deliver {
namespace {

using runtime::IoError;
using runtime::IoFailure;
using runtime::IoResult;
using runtime::StreamPtr;

Task<IoResult<StreamPtr>> connect_one(runtime::Runtime& runtime, IpAddress source, Duration limit,
                                      SocketAddress target) {
  // A source address serves its own family only.
  if (source.is_v4() != target.address.is_v4()) source = IpAddress();
  auto result = co_await within(runtime, limit, runtime.connect(target, source));
  if (!result) co_return std::unexpected(IoError{IoFailure::timeout, "no answer in time"});
  co_return std::move(*result);
}

}  // namespace

Connector::Connector(runtime::Runtime& runtime, const Options& options, Duration connect,
                     Route route, Failed failed)
    : runtime_(runtime),
      options_(options),
      connect_(connect),
      route_(std::move(route)),
      failed_(std::move(failed)) {}

Task<std::optional<Connection>> Connector::next() {
  while (hop_ < route_.hops.size() && tried_ < options_.max_addresses) {
    if (route_.hops[hop_].addresses.empty()) {
      ++hop_;
      continue;
    }
    auto connection = co_await race_addresses();
    if (connection) co_return connection;
  }
  co_return std::nullopt;
}

Task<std::optional<Connection>> Connector::race_addresses() {
  Hop& hop = route_.hops[hop_];
  const std::vector<IpAddress> addresses = hop.addresses;
  Race<IoResult<StreamPtr>> race;
  std::vector<TimePoint> began;
  std::size_t begun = 0;
  while (begun < addresses.size() || race.pending() > 0) {
    const bool more = begun < addresses.size() && tried_ < options_.max_addresses;
    if (!more && race.pending() == 0) break;
    if (more) {
      ++tried_;
      began.push_back(runtime_.now());
      race.add(connect_one(runtime_, options_.source, connect_, {addresses[begun++], hop.port}));
    }
    // After the last one there is no next to wait for.
    const bool last = begun == addresses.size() || tried_ >= options_.max_addresses;
    if (last)
      co_await race.next();
    else
      co_await race.next(runtime_, options_.head_start);
    while (auto done = race.take()) {
      auto& [place, result] = *done;
      Remote remote{hop.name, {addresses[place], hop.port}};
      std::erase(hop.addresses, addresses[place]);
      if (result) co_return Connection{std::move(*result), std::move(remote)};
      const Outcome why = disconnected(remote, Phase::connect, result.error());
      failed_(remote, why, std::chrono::duration_cast<Duration>(runtime_.now() - began[place]));
      note(why);
    }
  }
  co_return std::nullopt;
}

void Connector::note(Outcome failure) {
  const bool spoken = failure.reply.code != 0;
  const bool better = !reason_ || (spoken && reason_->reply.code == 0);
  if (better) reason_ = std::move(failure);
}

bool Connector::cut() {
  if (hop_ >= route_.hops.size()) return false;
  const std::uint16_t here = route_.hops[hop_].preference;
  hop_ = route_.hops.size();  // hosts come best first: what follows is not better
  const auto is_better = [here](const auto& host) { return host.preference < here; };
  return std::ranges::any_of(route_.hops, is_better) ||
         std::ranges::any_of(route_.unresolved, is_better);
}

Outcome Connector::reason() const {
  if (!reason_) return local_trouble(Phase::route, {4, 4, 4}, "the route names no host to try");
  Outcome outcome = *reason_;
  outcome.action = Action::delayed;  // another day another host may answer
  outcome.status.klass = 4;
  return outcome;
}

}  // namespace postrider::deliver
