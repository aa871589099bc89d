// SPDX-License-Identifier: MIT
// Several loops may listen on one address, as with SO_REUSEPORT; chance chooses among them.
#include "runtime/sim/sim_network.hpp"

#include <algorithm>
#include <array>

#include "runtime/sim/memory_stream.hpp"

namespace postrider::runtime {
namespace {

std::unexpected<IoError> failed(IoFailure failure, const char* text) {
  return std::unexpected(IoError{.failure = failure, .text = text});
}

void take_backlog(const SimListenerPtr& listener) {
  while (!listener->backlog.empty() && !listener->paused && !listener->closed) {
    StreamPtr stream = std::move(listener->backlog.front());
    listener->backlog.pop_front();
    listener->on_accept(std::move(stream));
  }
}

/// Accept on the listener's loop, as production does; the listener may be closed before that.
void wake(const SimListenerPtr& listener) {
  listener->loop.post([listener] { take_backlog(listener); });
}

class SimAcceptor final : public Acceptor {
 public:
  SimAcceptor(SimNetwork& network, SimListenerPtr listener) noexcept
      : network_(network), listener_(std::move(listener)) {}
  SimAcceptor(const SimAcceptor&) = delete;
  SimAcceptor& operator=(const SimAcceptor&) = delete;
  ~SimAcceptor() override {
    listener_->closed = true;
    network_.forget(*listener_);
    listener_->backlog.clear();
  }
  SocketAddress local() const override { return listener_->address; }
  void pause() noexcept override { listener_->paused = true; }
  void resume() noexcept override {
    listener_->paused = false;
    wake(listener_);
  }

 private:
  SimNetwork& network_;
  SimListenerPtr listener_;
};

IpAddress any_of_family(const IpAddress& address) {
  static constexpr std::array<std::uint8_t, 16> kNothing{};
  if (address.is_v4()) return {};
  return IpAddress(std::span<const std::uint8_t, 16>(kNothing));
}

/// Where connections come from that name no source: the same host, or TEST-NET-1 (RFC 5737) and
/// the documentation prefix of RFC 3849.
IpAddress default_source(const IpAddress& target) {
  static constexpr std::array<std::uint8_t, 4> kV4{192, 0, 2, 1};
  static constexpr std::array<std::uint8_t, 16> kV6{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0,
                                                    0,    0,    0,    0,    0, 0, 0, 1};
  if (target.is_loopback()) return target;
  if (target.is_v4()) return IpAddress(std::span<const std::uint8_t, 4>(kV4));
  return IpAddress(std::span<const std::uint8_t, 16>(kV6));
}

}  // namespace

IoResult<AcceptorPtr> SimNetwork::listen(Runtime& loop, Place place, OnAccept on_accept) {
  SocketAddress address;
  if (auto* const asked = std::get_if<SocketAddress>(&place)) {
    if (asked->port == 0) asked->port = next_port();
    address = *asked;
  }
  auto& there = listeners_[place];
  const auto same_loop = [&loop](const SimListenerPtr& other) { return &other->loop == &loop; };
  const bool local = std::holds_alternative<std::string>(place);
  if (local ? !there.empty() : std::ranges::any_of(there, same_loop))
    return failed(IoFailure::in_use, "address already in use");
  const auto listener = std::make_shared<SimListener>(loop, address, std::move(on_accept));
  there.push_back(listener);
  return std::make_unique<SimAcceptor>(*this, listener);
}

void SimNetwork::forget(const SimListener& listener) noexcept {
  for (auto& [place, there] : listeners_)
    std::erase_if(there, [&](const SimListenerPtr& other) { return other.get() == &listener; });
}

Task<IoResult<StreamPtr>> SimNetwork::connect(Runtime& from, Place target, IpAddress source) {
  const SimFault fault = fault_of(target);
  co_await sleep_for(from, latency_);
  if (fault.kind == SimFault::Kind::black_hole) co_await std::suspend_always();
  if (fault.kind == SimFault::Kind::unreachable)
    co_return failed(IoFailure::unreachable, "host is unreachable");
  SimListenerPtr listener;
  if (fault.kind == SimFault::Kind::none) listener = find(target);
  StreamPtr stream;
  if (listener) stream = open(from, listener, target, source, fault);
  co_await sleep_for(from, latency_);
  if (!stream) co_return failed(IoFailure::refused, "connection refused");
  co_return std::move(stream);
}

StreamPtr SimNetwork::open(Runtime& from, SimListenerPtr listener, const Place& target,
                           IpAddress source, const SimFault& fault) {
  PairAddresses addresses;
  if (const auto* const remote = std::get_if<SocketAddress>(&target)) {
    addresses.remote = *remote;
    addresses.local.address = source.is_unspecified() ? default_source(remote->address) : source;
    addresses.local.port = next_port();
  }
  const LinkOptions options{.latency = latency_,
                            .octets_per_second = fault.octets_per_second,
                            .largest_segment = fault.largest_segment,
                            .reset_after = fault.reset_after,
                            .seed = world_.random()()};
  auto [client, server] = make_stream_pair(from, listener->loop, options, addresses);
  listener->backlog.push_back(std::move(server));
  wake(listener);
  return std::move(client);
}

SimFault SimNetwork::fault_of(const Place& target) const {
  const auto* const address = std::get_if<SocketAddress>(&target);
  if (!address) return {};
  auto found = faults_.find(*address);
  if (found == faults_.end()) found = faults_.find({.address = address->address, .port = 0});
  return found == faults_.end() ? SimFault{} : found->second;
}

SimListenerPtr SimNetwork::find(const Place& target) {
  auto found = listeners_.find(target);
  const auto* const address = std::get_if<SocketAddress>(&target);
  if (address && (found == listeners_.end() || found->second.empty())) {
    const IpAddress any = any_of_family(address->address);
    found = listeners_.find(SocketAddress{.address = any, .port = address->port});
  }
  if (found == listeners_.end() || found->second.empty()) return nullptr;
  return found->second[world_.random()() % found->second.size()];
}

std::uint16_t SimNetwork::next_port() noexcept {
  if (last_port_ == 65535) last_port_ = 40000;
  return ++last_port_;
}

}  // namespace postrider::runtime
