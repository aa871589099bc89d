// SPDX-License-Identifier: MIT
// Each message goes behind its length in two octets (RFC 1035 section 4.2.2).
#include "dns/tcp.hpp"

#include <optional>
#include <utility>

#include <fmt/format.h>

#include "dns/hardening.hpp"

namespace postrider::dns {
namespace {

using runtime::IoError;
using runtime::IoResult;

Reply broken(const IoError& error) {
  return {.outcome = Outcome::failed, .detail = fmt::format("a TCP failure ({})", error.text)};
}

std::size_t announced(const std::string& received) {
  return static_cast<std::size_t>(static_cast<unsigned char>(received[0])) << 8 |
         static_cast<unsigned char>(received[1]);
}

Task<Reply> exchange(runtime::Runtime& runtime, SocketAddress server, Question question) {
  IoResult<runtime::StreamPtr> stream = co_await runtime.connect(server);
  if (!stream) co_return broken(stream.error());
  const auto id = static_cast<std::uint16_t>(random_number());
  const std::string query = write_query(id, question);
  std::string message{static_cast<char>(query.size() >> 8), static_cast<char>(query.size() & 0xff)};
  message += query;
  const IoResult<void> written = co_await (*stream)->write(message);
  if (!written) co_return broken(written.error());
  std::string received;
  while (received.size() < 2 || received.size() - 2 < announced(received)) {
    const IoResult<void> more = co_await (*stream)->read(received);
    if (!more) co_return broken(more.error());
  }
  Reply reply = read_reply(std::string_view(received).substr(2, announced(received)), question, id);
  if (reply.outcome == Outcome::truncated) reply = {.detail = "truncated over TCP as well"};
  co_return reply;
}

}  // namespace

Task<Reply> ask_over_tcp(runtime::Runtime& runtime, SocketAddress server, Question question) {
  std::optional<Reply> reply =
      co_await within(runtime, kTcpLimit, exchange(runtime, server, std::move(question)));
  if (!reply) co_return Reply{.outcome = Outcome::timeout, .detail = "no answer over TCP"};
  co_return std::move(*reply);
}

}  // namespace postrider::dns
