// SPDX-License-Identifier: MIT
// Asking one server once, whatever that takes.
#include "dns/server.hpp"

#include <algorithm>
#include <utility>

#include "dns/tcp.hpp"

namespace postrider::dns {
namespace {

constexpr unsigned kPerRemotePort = 64;

Reply judge(const UdpReply& reply, const Question& question) {
  if (!reply.was_sent) return {.outcome = Outcome::unsent, .detail = "sending failed"};
  if (reply.packet.empty()) return {.outcome = Outcome::timeout, .strays = reply.strays};
  return read_reply(reply.packet, question);
}

}  // namespace

Server::Server(runtime::Runtime& runtime, const SocketAddress& address,
               const ResolverOptions& options)
    : runtime_(runtime),
      address_(address),
      timeout_(options.attempt_timeout),
      questions_per_port_(options.questions_per_port),
      gate_(runtime, std::max(options.in_flight, 1U)),
      bad_until_(runtime.now()) {
  if (!questions_per_port_ && !address.address.is_loopback()) questions_per_port_ = kPerRemotePort;
}

std::expected<std::shared_ptr<UdpContext>, std::string> Server::context() {
  // The old socket lives on until its last query has ended.
  if (questions_per_port_ && asked_ >= questions_per_port_) context_.reset();
  if (!context_) {
    auto opened = UdpContext::open(runtime_, address_, timeout_);
    if (!opened) return opened;
    context_ = std::move(*opened);
    asked_ = 0;
  }
  ++asked_;
  return context_;
}

Task<Reply> Server::ask(const Question& question) {
  const Gate::Permit permit = co_await gate_.enter();
  Reply reply;
  for (int with_dnssec = 1; with_dnssec >= 0; --with_dnssec) {
    auto socket = context();
    if (!socket) co_return Reply{.outcome = Outcome::unsent, .detail = std::move(socket.error())};
    UdpQuery query(std::move(*socket), question, with_dnssec);
    const UdpReply raw = co_await query;
    reply = judge(raw, question);
    if (reply.outcome != Outcome::unsupported) break;
  }
  if (reply.outcome == Outcome::truncated)
    reply = co_await ask_over_tcp(runtime_, address_, question);
  co_return reply;
}

}  // namespace postrider::dns
