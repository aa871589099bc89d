// SPDX-License-Identifier: MIT
// The SMTP client over one connection (RFC 5321 section 3.3, RFC 2920): greeting, EHLO or HELO,
// transactions, QUIT. With PIPELINING an envelope is one write, its content and the next envelope
// are another: a message costs one write and one read.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <postrider/loop.hpp>
#include <postrider/protocol_event.hpp>

#include "deliver/content.hpp"
#include "deliver/envelope.hpp"
#include "deliver/options.hpp"
#include "plugin/chains.hpp"
#include "runtime/runtime.hpp"
#include "smtp/reply_reader.hpp"

namespace postrider::deliver {

/// A reply, or how the host failed: the connection broke, 421, or the peer talks nonsense.
using Heard = std::expected<Reply, Outcome>;
using Sent = std::expected<void, Outcome>;
/// Called just before the end of a message is sent: the envelope to follow it in the same write, or
/// null. It must live until transact() was called for it, or the session is broken.
using NextEnvelope = std::function<Envelope*()>;

/// [loop thread] One connection. `loop`, `options`, `limits` and the session outlive its tasks.
class ClientSession {
 public:
  ClientSession(Loop& loop, runtime::StreamPtr stream, Remote remote, const Options& options,
                const ConnectionLimits& limits, plugin::ChainsPtr chains, std::string id);

  /// [may suspend] Greeting and EHLO. An error: try another host; the session is broken then.
  Task<Sent> open();

  /// A transaction for recipients of `consignment`; nothing: it needs none (any more).
  std::optional<Envelope> prepare(Consignment& consignment);

  /// [may suspend] One transaction. Recipients of the envelope get their outcomes. An error says
  /// how the host failed: then some may be without one, to be tried elsewhere or delayed.
  Task<Sent> transact(Envelope& envelope, NextEnvelope next);

  /// What was under way was dropped, because of `why`: close. How that ends the attempt.
  Outcome abandon(const std::string& why);

  /// [may suspend] Say goodbye and close.
  Task<void> quit();

  bool is_broken() const noexcept { return broken_; }
  /// Messages whose end was answered.
  std::size_t messages() const noexcept { return messages_; }
  const Remote& remote() const noexcept { return remote_; }
  SocketAddress local() const { return stream_->local(); }
  TimePoint began() const noexcept { return began_; }
  const smtp::Capabilities& capabilities() const noexcept { return capabilities_; }
  /// The reply to EHLO or HELO.
  const Reply& welcome() const noexcept { return welcome_; }
  /// For the observers: an attempt begins on this connection.
  void note_attempt(const Consignment& consignment) const;

 private:
  struct Progress {
    bool mail_ok = false;
    std::optional<Outcome> mail_refused;
    std::vector<std::size_t> accepted;
  };

  Task<Heard> hear(Phase phase, Duration limit);
  Task<Heard> read_reply(Phase phase, Duration limit);
  std::optional<Heard> buffered_reply(Phase phase);
  Task<Sent> say(Phase phase, std::string_view text);
  Task<Sent> say_parts(Phase phase, std::span<const std::string_view> parts);
  Task<Heard> ask(Phase phase, Duration limit, Envelope& envelope);
  Task<Heard> hello(std::string_view verb);
  Sent expect_silence(Phase phase);

  Task<Sent> begin(Envelope& envelope);
  Task<Sent> name_parties(Envelope& envelope, Progress& progress);
  Task<Sent> send_data(Envelope& envelope, Progress& progress, const NextEnvelope& next);
  Task<Sent> send_content(Envelope& envelope, const NextEnvelope& next);
  Task<Sent> send_end(Content& content, std::string_view piece, const NextEnvelope& next);
  Task<Sent> hear_end(Envelope& envelope, const Progress& progress, Sent sent);
  Task<Sent> end_empty();

  std::unexpected<Outcome> fail(Outcome outcome);
  void observe(EventKind kind, std::string_view text, std::uint64_t octets = 0,
               bool failed = false) const;
  void observe_lines(std::string_view lines) const;

  Loop& loop_;
  runtime::StreamPtr stream_;
  Remote remote_;
  const Options& options_;
  const ConnectionLimits& limits_;
  plugin::ChainsPtr chains_;
  std::string id_;
  TimePoint began_;
  Reply welcome_;
  smtp::Capabilities capabilities_;
  smtp::ReplyReader reader_;
  std::string in_;
  std::size_t taken_ = 0;      // octets of in_ that were used
  Envelope* ahead_ = nullptr;  // sent with the former message's end, not transacted yet
  std::size_t messages_ = 0;
  Phase phase_ = Phase::greeting;  // of what is said or heard
  bool needs_reset_ = false;
  bool broken_ = false;
};

}  // namespace postrider::deliver
