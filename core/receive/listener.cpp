// SPDX-License-Identifier: MIT
#include "receive/listener.hpp"

#include <fmt/format.h>

#include <postrider/log.hpp>

#include "runtime/memory_reserve.hpp"

namespace postrider::receive {

namespace {

/// Counts a session in and, whatever ends it, out.
class Place {
 public:
  Place(SessionTable& table, IpAddress client) : table_(table), client_(client) {}
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() { table_.leave(client_); }

 private:
  SessionTable& table_;
  IpAddress client_;
};

/// Keeps a session in the listener's list while it runs.
class Listed {
 public:
  Listed(std::list<ServerSession*>& list, ServerSession& session)
      : list_(list), place_(list.insert(list.end(), &session)) {}
  Listed(const Listed&) = delete;
  Listed& operator=(const Listed&) = delete;
  ~Listed() { list_.erase(place_); }

 private:
  std::list<ServerSession*>& list_;
  std::list<ServerSession*>::iterator place_;
};

}  // namespace

Listener::Listener(runtime::Runtime& runtime, std::function<Services()> services,
                   unsigned loop_index)
    : runtime_(runtime), services_(std::move(services)), loop_index_(loop_index), tasks_(runtime) {}

Listener::~Listener() {
  acceptors_.clear();
  tasks_.cancel_all();
}

std::expected<SocketAddress, std::string> Listener::open(const Endpoint& endpoint) {
  auto acceptor = runtime_.listen(endpoint.address, [this, lmtp = endpoint.lmtp](auto stream) {
    accept(std::move(stream), lmtp);
  });
  if (!acceptor)
    return std::unexpected("cannot listen on " + endpoint.address.text() + ": " +
                           acceptor.error().text);
  const SocketAddress address = (*acceptor)->local();
  acceptors_.push_back(std::move(*acceptor));
  return address;
}

void Listener::accept(runtime::StreamPtr stream, bool lmtp) {
  Services services = services_();
  if (refusal_) return tasks_.spawn(answer(runtime_, std::move(stream), refusal_->wire()));
  const Options& options = *services.options;
  const IpAddress client = stream->remote().address;
  if (runtime::is_memory_short())  // the watchdog's log line tells of it
    return tasks_.spawn(
        answer(runtime_, std::move(stream), "421 4.3.2 Out of resources, try again later\r\n"));
  const auto entry =
      services.table.enter(client, options.max_sessions, options.max_sessions_per_client);
  if (entry == SessionTable::Entry::granted)
    return tasks_.spawn(serve(std::move(services), std::move(stream), lmtp));
  const bool all = entry == SessionTable::Entry::too_many;
  services.log.write(LogLevel::warning, "session refused",
                     {{"client", client.text()},
                      {"reason", all ? "smtp.max_sessions is reached"
                                     : "smtp.max_sessions_per_client is reached"}});
  tasks_.spawn(answer(runtime_, std::move(stream),
                      all ? "421 4.3.2 Too many sessions, try again later\r\n"
                          : "421 4.7.0 Too many sessions from your address\r\n"));
}

Task<void> Listener::serve(Services services, runtime::StreamPtr stream, bool lmtp) {
  const Place place(services.table, stream->remote().address);
  std::string id = fmt::format("{}.{:x}", loop_index_, ++next_session_);
  ServerSession session(std::move(services), std::move(stream), std::move(id), lmtp);
  const Listed listed(sessions_, session);
  co_await session.run();
}

Task<void> Listener::answer(runtime::Runtime& runtime, runtime::StreamPtr stream,
                            std::string reply) {
  const auto sent = co_await within(runtime, 5s, stream->write(reply));
  (void)sent;  // told or not, the connection closes
}

void Listener::turn_away(std::optional<Reply> reply) {
  refusal_ = std::move(reply);
  if (is_draining_) return;  // they were told so
  for (ServerSession* session : sessions_) refusal_ ? session->drain(*refusal_) : session->stay();
}

void Listener::drain() {
  is_draining_ = true;
  acceptors_.clear();
  const Reply farewell("421 4.3.2 Shutting down, try again later");
  for (ServerSession* session : sessions_) session->drain(farewell);
}

}  // namespace postrider::receive
