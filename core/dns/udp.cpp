// SPDX-License-Identifier: MIT
// The only talk with udns. Its callbacks note what came and make the asker ready; they run inside
// dns_ioevent and dns_timeouts, where nothing may be submitted, cancelled or freed.
#include "dns/udp.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <udns.h>

#include "dns/hardening.hpp"

namespace postrider::dns {
namespace {

constexpr int kUdpSize = 1232;
constexpr int kReceiveBuffer = 4 << 20;  // a burst of replies waits here while the loop is busy

int add_server(dns_ctx* context, const SocketAddress& server) {
  const auto octets = server.address.octets();
  sockaddr_storage storage{};
  if (server.address.is_v4()) {
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    std::memcpy(&address.sin_addr, octets.data(), 4);
  } else {
    auto& address = reinterpret_cast<sockaddr_in6&>(storage);
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(server.port);
    std::memcpy(&address.sin6_addr, octets.data(), 16);
  }
  return dns_add_serv_s(context, reinterpret_cast<sockaddr*>(&storage));
}

}  // namespace

struct UdpContext::Callbacks {
  /// Called with every packet; code 0 is the reply to an open query, before udns judges it. This is
  /// where RCODE, TC and the authority section can be had.
  static void packet(int code, const sockaddr*, unsigned, dnscc_t* octets, int size,
                     const dns_query* query, void* data) {
    if (code < 0 && reading_) ++reading_->strays_;
    if (code != 0 || !query || !data) return;
    auto& asker = *static_cast<UdpQuery*>(data);
    asker.reply_.packet.assign(reinterpret_cast<const char*>(octets),
                               static_cast<std::size_t>(size));
  }

  static void done(dns_ctx*, void* result, void* data) {
    std::free(result);  // a copy of what packet() has seen
    auto& asker = *static_cast<UdpQuery*>(data);
    asker.query_ = nullptr;  // udns has freed it
    asker.reply_.strays = asker.context_->strays_ - asker.strays_before_;
    if (asker.submitting_)
      asker.reply_.was_sent = false;
    else
      asker.context_->runtime_.make_ready(asker.node_);
  }
};

thread_local UdpContext* UdpContext::reading_ = nullptr;

std::expected<std::shared_ptr<UdpContext>, std::string> UdpContext::open(
    runtime::Runtime& runtime, const SocketAddress& server, Duration timeout) {
  prepare_udns();
  std::shared_ptr<UdpContext> context(new UdpContext(runtime));
  if (auto error = context->set_up(server, timeout)) return std::unexpected(std::move(*error));
  return context;
}

std::optional<std::string> UdpContext::set_up(const SocketAddress& server, Duration timeout) {
  context_ = dns_new(nullptr);
  if (!context_) return "out of memory";
  // One tick more: a query may start late in the current one.
  const auto ticks = std::clamp<std::int64_t>((timeout + kTick - 1ms) / kTick, 1, 299) + 1;
  dns_set_opt(context_, DNS_OPT_TIMEOUT, static_cast<int>(ticks));
  dns_set_opt(context_, DNS_OPT_NTRIES, 1);
  dns_set_opt(context_, DNS_OPT_UDPSIZE, kUdpSize);
  dns_set_dbgfn(context_, &Callbacks::packet);
  if (add_server(context_, server) < 0) return "not a server's address";
  const int socket = dns_open(context_);
  if (socket < 0) return fmt::format("cannot open a socket: {}", std::strerror(errno));
  setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  start_ = runtime_.now();
  auto watch = runtime_.watch(socket, [this] { read(); });
  if (!watch) return fmt::format("cannot watch a socket: {}", watch.error().text);
  watch_ = std::move(*watch);
  return std::nullopt;
}

UdpContext::~UdpContext() {
  watch_.reset();  // before the descriptor is closed
  if (context_) dns_free(context_);
}

/// Never 0: that would mean "look at the wall clock" to udns.
std::int64_t UdpContext::tick() const noexcept {
  return (runtime_.now() - start_) / kTick + 1;
}

void UdpContext::read() {
  reading_ = this;
  dns_ioevent(context_, tick());
  reading_ = nullptr;
}

/// First what has come, then who is late: after a long turn of the loop both may be true.
void UdpContext::expired() noexcept {
  read();
  dns_timeouts(context_, -1, tick());
  if (dns_active(context_) > 0) runtime_.start_timer(*this, kTick);
}

bool UdpQuery::await_suspend(std::coroutine_handle<> handle) {
  dns_ctx* const context = context_->context_;
  node_.set_handle(handle);
  int flags = DNS_NOSRCH;
  if (dnssec_) flags |= DNS_SET_DO;
  strays_before_ = context_->strays_;
  submitting_ = true;
  query_ = dns_submit_dn(context, reinterpret_cast<dnscc_t*>(question_.name.data()), DNS_C_IN,
                         std::to_underlying(question_.type), flags, nullptr,
                         &UdpContext::Callbacks::done, this);
  if (query_)
    dns_timeouts(context, -1, context_->tick());  // sends it
  else
    reply_.was_sent = false;
  submitting_ = false;
  if (!query_) return false;
  if (!context_->is_running()) context_->runtime_.start_timer(*context_, UdpContext::kTick);
  return true;
}

UdpQuery::~UdpQuery() {
  if (!query_) return;
  // dns_cancel only takes the query off the list; nobody else frees it.
  dns_cancel(context_->context_, query_);
  std::free(query_);
}

}  // namespace postrider::dns
