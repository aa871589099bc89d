// SPDX-License-Identifier: MIT
#include "support/sim_client.hpp"

#include "support/sim_text.hpp"

namespace postrider::sim {
namespace {

constexpr Duration kSlowServer = 10min;

Task<void> write_all(runtime::ByteStream& stream, std::string octets) {
  const auto written = co_await stream.write(octets);
  (void)written;  // a server that hung up shows in what it said
}

}  // namespace

SimClient::SimClient(runtime::SimWorld& world, runtime::Runtime& loop, SocketAddress server,
                     IpAddress client)
    : world_(world), tasks_(loop) {
  auto connected = world.finish(loop.connect(server, client));
  if (!connected || !*connected) throw Mismatch("nobody listens on " + server.text());
  stream_ = std::move(**connected);
  tasks_.spawn(receive(*this));
}

Task<void> SimClient::receive(SimClient& client) {
  while (co_await client.stream_->read(client.received_)) {
  }
  client.ended_ = true;
}

void SimClient::send(std::string octets) {
  tasks_.spawn(write_all(*stream_, std::move(octets)));
  world_.run_until([this] { return tasks_.size() <= (ended_ ? 0U : 1U); }, kSlowServer);
}

std::optional<std::string> SimClient::line(Duration limit) {
  const auto has_line = [this] { return received_.contains("\r\n") || ended_; };
  world_.run_until(has_line, limit);
  const std::size_t end = received_.find("\r\n");
  if (end == received_.npos) return std::nullopt;
  std::string text = received_.substr(0, end);
  received_.erase(0, end + 2);
  return text;
}

bool SimClient::is_closed(Duration limit) {
  world_.run_until([this] { return ended_ || !received_.empty(); }, limit);
  return ended_ && received_.empty();
}

void SimClient::hang_up() {
  tasks_.cancel_all();
  stream_->close();
  hung_up_ = true;
}

}  // namespace postrider::sim
