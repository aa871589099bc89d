// SPDX-License-Identifier: MIT
// The connection's side: bytes, replies, time limits, greeting and goodbye.
#include "deliver/client_session.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "deliver/attempt_events.hpp"

namespace postrider::deliver {

using runtime::IoError;
using runtime::IoFailure;

ClientSession::ClientSession(Loop& loop, runtime::StreamPtr stream, Remote remote,
                             const Options& options, const ConnectionLimits& limits,
                             plugin::ChainsPtr chains, std::string id)
    : loop_(loop),
      stream_(std::move(stream)),
      remote_(std::move(remote)),
      options_(options),
      limits_(limits),
      chains_(std::move(chains)),
      id_(std::move(id)),
      began_(loop.now()) {
  observe(EventKind::connected, remote_.host);
}

void ClientSession::observe(EventKind kind, std::string_view text, std::uint64_t octets,
                            bool failed) const {
  if (!chains_ || !chains_->has_observers()) return;
  ProtocolEvent event;
  event.kind = kind;
  event.side = Side::client;
  event.id = id_;
  event.local = stream_->local();
  event.remote = remote_.address;
  event.at = loop_.now();
  event.elapsed = std::chrono::duration_cast<Duration>(loop_.now() - began_);
  event.text = text;
  event.octets = octets;
  event.failed = failed;
  chains_->observe(event);
}

void ClientSession::observe_lines(std::string_view lines) const {
  if (!chains_ || !chains_->has_observers()) return;
  while (!lines.empty()) {
    const std::size_t end = lines.find("\r\n");
    observe(EventKind::line_out, lines.substr(0, end));
    lines.remove_prefix(end == lines.npos ? lines.size() : end + 2);
  }
}

void ClientSession::note_attempt(const Consignment& consignment) const {
  if (chains_ && chains_->has_observers()) observe(EventKind::attempt, attempt_text(consignment));
}

std::unexpected<Outcome> ClientSession::fail(Outcome outcome) {
  if (!std::exchange(broken_, true)) {
    observe(EventKind::closed, outcome.text, 0, true);
    stream_->close();
  }
  return std::unexpected(std::move(outcome));
}

Outcome ClientSession::abandon(const std::string& why) {
  Outcome outcome = disconnected(remote_, phase_, {IoFailure::timeout, why});
  outcome.text += "; " + why;
  (void)fail(outcome);
  return outcome;
}

std::optional<Heard> ClientSession::buffered_reply(Phase phase) {
  if (taken_ == in_.size()) return std::nullopt;
  const auto fed = reader_.feed(std::string_view(in_).substr(taken_));
  taken_ += fed.consumed;
  if (taken_ == in_.size()) {
    in_.clear();
    taken_ = 0;
  }
  if (fed.progress == smtp::ReplyReader::Progress::more) return std::nullopt;
  if (fed.progress == smtp::ReplyReader::Progress::malformed)
    return fail(nonsense(remote_, phase, reader_.error()));
  Reply reply = reader_.take();
  if (chains_ && chains_->has_observers()) observe(EventKind::line_in, reply.line());
  if (reply.code == 421) return fail(refused(remote_, phase, reply));
  return reply;
}

Task<Heard> ClientSession::hear(Phase phase, Duration limit) {
  // Most replies of a group came with the first: no frame for those.
  if (auto reply = buffered_reply(phase)) return std::move(*reply);
  return read_reply(phase, limit);
}

Task<Heard> ClientSession::read_reply(Phase phase, Duration limit) {
  phase_ = phase;
  const TimePoint deadline = loop_.now() + limit;
  for (;;) {
    const auto left = std::chrono::ceil<Duration>(deadline - loop_.now());
    const auto result = co_await within(loop_, std::max(left, Duration(0)), stream_->read(in_));
    if (!result) co_return fail(disconnected(remote_, phase, {IoFailure::timeout, "timeout"}));
    if (!*result) co_return fail(disconnected(remote_, phase, result->error()));
    if (auto reply = buffered_reply(phase)) co_return std::move(*reply);
    // A peer that sends without end must not outlive the limit by always having something ready.
    if (loop_.now() >= deadline)
      co_return fail(disconnected(remote_, phase, {IoFailure::timeout, "timeout"}));
  }
}

Task<Sent> ClientSession::say(Phase phase, std::string_view text) {
  phase_ = phase;
  observe_lines(text);
  const auto result = co_await within(loop_, limits_.data_block, stream_->write(text));
  if (!result) co_return fail(disconnected(remote_, phase, {IoFailure::timeout, "timeout"}));
  if (!*result) co_return fail(disconnected(remote_, phase, result->error()));
  co_return Sent();
}

Sent ClientSession::expect_silence(Phase phase) {
  // What nobody asked for would be taken for the answer to the next command (RFC 3207 section 6).
  if (taken_ == in_.size() && !reader_.is_inside()) return {};
  return fail(nonsense(remote_, phase, "octets after the reply that nobody asked for"));
}

Task<Heard> ClientSession::hello(std::string_view verb) {
  const std::string line = std::string(verb) + " " + options_.helo + "\r\n";
  if (auto sent = co_await say(Phase::helo, line); !sent) co_return std::unexpected(sent.error());
  auto reply = co_await hear(Phase::helo, limits_.hello);
  if (!reply) co_return reply;
  if (auto silent = expect_silence(Phase::helo); !silent) co_return std::unexpected(silent.error());
  co_return reply;
}

Task<Sent> ClientSession::open() {
  const auto greeting = co_await hear(Phase::greeting, limits_.greeting);
  if (!greeting) co_return std::unexpected(greeting.error());
  if (greeting->code / 100 != 2) co_return fail(refused(remote_, Phase::greeting, *greeting));
  if (auto silent = expect_silence(Phase::greeting); !silent) co_return silent;

  auto answer = co_await hello("EHLO");
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->code / 100 == 2) {
    capabilities_ = smtp::parse_capabilities(*answer);
    welcome_ = std::move(*answer);
    co_return Sent();
  }
  if (!answer->is_permanent()) co_return fail(refused(remote_, Phase::helo, *answer));
  answer = co_await hello("HELO");
  if (!answer) co_return std::unexpected(answer.error());
  if (answer->code / 100 != 2) co_return fail(refused(remote_, Phase::helo, *answer));
  welcome_ = std::move(*answer);
  co_return Sent();
}

Task<void> ClientSession::quit() {
  if (broken_) co_return;
  const auto sent = co_await within(loop_, limits_.quit, say(Phase::final_dot, "QUIT\r\n"));
  if (sent && *sent) (void)co_await hear(Phase::final_dot, limits_.quit);
  if (std::exchange(broken_, true)) co_return;
  observe(EventKind::closed, "we quit");
  stream_->close();
}

}  // namespace postrider::deliver
