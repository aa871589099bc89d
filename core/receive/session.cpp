// SPDX-License-Identifier: MIT
#include "receive/session.hpp"

#include <array>
#include <chrono>

#include <postrider/facts.hpp>
#include <postrider/log.hpp>

namespace postrider::receive {

namespace {

constexpr std::size_t kMostOutput = 64 * 1024;  // replies held back for a client that pipelines

/// A client of another protocol that found our port (ALPACA, port scans): hang up at once.
bool speaks_http(std::string_view line) {
  for (const std::string_view verb : {"GET ", "POST ", "HEAD ", "PUT ", "CONNECT ", "OPTIONS "})
    if (line.starts_with(verb)) return true;
  return false;
}

}  // namespace

ServerSession::ServerSession(Services services, runtime::StreamPtr stream, std::string id,
                             bool lmtp)
    : PluginsKept{services.chains},
      Session(services.runtime),
      services_(std::move(services)),
      stream_(std::move(stream)),
      input_(services_.options->max_line),
      listens_lmtp_(lmtp) {
  id_ = std::move(id);
  client_ = stream_->remote();
  local_ = stream_->local();
  connected_at_ = services_.runtime.now();
  accepted_at_ = services_.runtime.exact_now();
  may_relay_ = services_.policy->is_trusted(client_.address);
}

Task<void> ServerSession::run() {
  observe(EventKind::connected, client_.text());
  if (co_await greet()) {
    while (!closing_ && co_await next_line()) co_await execute();
  }
  co_await flush();
  end_transaction();
  stream_->close();
  observe_name();
  observe(EventKind::closed, end_.empty() ? "we closed" : end_);
}

Task<bool> ServerSession::greet() {
  const Verdict verdict = co_await services_.chains->connect(*this);
  const TimePoint judged = services_.runtime.exact_now();
  if (verdict.is_refusal()) {
    // RFC 5321 section 3.1: 554 instead of 220, then only QUIT; 421 closes.
    const bool permanent = verdict.action() == Verdict::Action::reject;
    Reply reply = refusal(verdict, "connect");
    reply.code = permanent ? 554 : 421;
    answer(reply);
    co_await flush();
    if (permanent && !verdict.disconnects()) co_await refuse_rest(503);
    closed_by("we closed: refused at connect");
    co_return false;
  }
  std::string greeting = "220 " + services_.options->hostname;
  greeting += listens_lmtp_ ? " LMTP" : " ESMTP";
  if (!services_.options->banner.empty()) greeting += " " + services_.options->banner;
  send(greeting + "\r\n");
  if (!co_await flush()) co_return false;
  note_greeting(judged);
  co_return true;
}

/// Slow greetings make clients go away (Q258745, Q286375): count each, explain the slow ones.
void ServerSession::note_greeting(TimePoint judged) {
  const auto took = services_.runtime.exact_now() - accepted_at_;
  services_.table.greeted(took, services_.runtime.now());
  if (took < services_.options->slow_banner) return observe(EventKind::banner, {});
  const auto in_hooks = judged - accepted_at_;
  const auto ms = [](std::chrono::nanoseconds time) {
    return std::to_string(std::chrono::duration_cast<Duration>(time).count());
  };
  const std::string share = ms(in_hooks) + " of " + ms(took) + " ms";
  const std::string reason = in_hooks * 2 >= took ? "the connect hooks of plugins took " + share
                                                  : "this host was busy; plugins took " + share;
  services_.log.write(LogLevel::warning, "slow banner",
                      {{"session", id()}, {"client", client_.text()}, {"reason", reason}});
  observe(EventKind::banner, reason);
}

/// After a 554 greeting the client may only QUIT; everything else is 503 (RFC 5321 section 3.1).
Task<void> ServerSession::refuse_rest(int code) {
  while (errors_ < services_.options->max_errors && co_await next_line()) {
    const smtp::Command command = smtp::parse_command(line_.text);
    ++errors_;
    if (command.verb == smtp::Verb::quit) {
      answer(quit());
      break;
    }
    answer(Reply(code, {5, 5, 1}, "Service refused, only QUIT is left"));
  }
  co_await flush();
}

/// The next command into line_; sends the replies held back before it waits (RFC 2920 3.2). The
/// time is for all of the line, so that nobody can make it last by single octets.
Task<bool> ServerSession::next_line() {
  std::optional<TimePoint> deadline;
  while (true) {
    if (auto line = input_.next()) {
      line_ = *line;
      co_return true;
    }
    if (!co_await flush()) co_return false;
    const TimePoint now = services_.runtime.now();
    if (!deadline) deadline = now + services_.options->command_timeout;
    const auto left = std::chrono::ceil<Duration>(*deadline - now);
    const bool more = (!farewell_ || transaction_) && co_await fill(left);
    if (more) continue;
    if (farewell_ && !transaction_ && end_.empty()) {
      answer(*farewell_);
      closed_by("we closed: " + farewell_->line());
    }
    co_return false;
  }
}

/// Read what is there; false when the session is over or drain() ended the wait. A client that
/// always has something ready must not outlive its time. `late`: what is said after the limit.
Task<bool> ServerSession::fill(Duration limit, std::string_view late) {
  const Duration left = services_.options->session_timeout - age();
  if (left > 0ms && limit > 0ms) {
    auto reading = within(services_.runtime, std::min(limit, left), stream_->read(input_.target()));
    reading_ = &reading;
    const auto read = co_await reading;
    reading_ = nullptr;
    if (read && *read) co_return true;
    if (read) {
      closed_by(read->error().failure == runtime::IoFailure::closed
                    ? "the client closed"
                    : "connection lost: " + read->error().text);
      co_return false;
    }
    if (farewell_ && !transaction_) co_return false;
  }
  answer(Reply(421, {4, 4, 2}, std::string(left <= limit ? "This session took too long" : late)));
  closed_by("we closed: timeout waiting for the client");
  co_return false;
}

/// Send the replies held back. False: nobody is there any more.
Task<bool> ServerSession::flush() {
  if (output_.empty()) co_return true;
  sending_.swap(output_);
  output_.clear();
  const auto sent = co_await within(services_.runtime, services_.options->command_timeout,
                                    stream_->write(sending_));
  if (sent && *sent) co_return true;
  closed_by(sent ? "connection lost: " + sent->error().text : "the client does not read");
  closing_ = true;
  co_return false;
}

Task<void> ServerSession::execute() {
  if (services_.chains->has_observers()) {
    observe_name();
    observe(EventKind::line_in, line_.text);
  }
  Reply reply;
  if (line_.too_long) {
    reply = Reply("500 5.5.2 Command line too long");
  } else if (line_.bad_line_end) {
    reply = Reply("500 5.5.2 A line ends with CRLF; bare CR or LF is refused");
  } else if (state_ == smtp::SessionState::connected && speaks_http(line_.text)) {
    closing_ = true;
    closed_by("we closed: the client speaks HTTP");
    reply = Reply("554 5.5.2 This is a mail server");
  } else {
    const smtp::Command command = smtp::parse_command(line_.text);
    if (auto wrong = smtp::check_order(command, state_, listens_lmtp_)) {
      reply = std::move(*wrong);
    } else {
      reply = co_await dispatch(command);
    }
  }
  if (reply.code == 0) co_return;  // answered already (DATA of LMTP)
  if (is_fault(reply) && ++errors_ >= services_.options->max_errors) {
    answer(reply);
    reply = Reply("421 4.7.0 Too many errors");
    closing_ = true;
    closed_by("we closed: too many errors");
  }
  answer(reply);
  if (output_.size() > kMostOutput) co_await flush();
}

/// Is this the client's mistake, counted by smtp.max_errors?
bool ServerSession::is_fault(const Reply& reply) const noexcept {
  return reply.code == 500 || reply.code == 501 || reply.code == 502 || reply.code == 503 ||
         reply.code == 504 || reply.code == 555;
}

void ServerSession::drain(const Reply& farewell) {
  farewell_ = farewell;
  if (reading_ && !transaction_) reading_->give_up();
}

void ServerSession::answer(const Reply& reply) {
  send(reply.wire());
}

void ServerSession::send(std::string_view wire) {
  observe_lines(wire);
  output_ += wire;
}

/// The reply of a refusing verdict; the private reason goes to the log only.
Reply ServerSession::refusal(const Verdict& verdict, std::string_view where) {
  services_.table.count_refusal();
  if (verdict.disconnects()) {
    closing_ = true;
    closed_by("we closed: refused at " + std::string(where));
  }
  const std::string reply = verdict.reply().line();
  services_.log.write(LogLevel::info, "refused",
                      {{"session", id()},
                       {"client", client_.text()},
                       {"at", where},
                       {"reply", reply},
                       {"reason", verdict.reason()}});
  observe(EventKind::refused, reply);
  return verdict.reply();
}

void ServerSession::end_transaction() {
  transaction_.reset();
  if (state_ != smtp::SessionState::connected) state_ = smtp::SessionState::greeted;
}

Duration ServerSession::age() const {
  return std::chrono::duration_cast<Duration>(services_.runtime.now() - connected_at_);
}

void ServerSession::observe(EventKind kind, std::string_view text, std::uint64_t octets) {
  if (!services_.chains->has_observers()) return;
  services_.chains->observe({.kind = kind,
                             .side = Side::server,
                             .id = id_,
                             .local = local_,
                             .remote = client_,
                             .at = services_.runtime.now(),
                             .elapsed = age(),
                             .text = text,
                             .octets = octets,
                             .failed = kind == EventKind::closed && !said_quit_});
}

/// Tells observers the client's name, once it is known; nothing waits for it here.
void ServerSession::observe_name() {
  if (name_observed_ || !services_.chains->has_observers()) return;
  const ClientName* const client = facts().peek(kClientName);
  if (!client) return;
  name_observed_ = true;
  static constexpr std::array<std::string_view, 4> kResults{"pass", "fail", "temperror",
                                                            "permerror"};
  std::string text = "iprev=";
  text += kResults[static_cast<std::size_t>(client->iprev)];
  text += " " + (client->name.empty() ? client->reason : client->name);
  observe(EventKind::named, text);
}

void ServerSession::observe_lines(std::string_view wire) {
  if (!services_.chains->has_observers()) return;
  while (!wire.empty()) {
    const std::size_t end = wire.find("\r\n");
    observe(EventKind::line_out, wire.substr(0, end));
    wire.remove_prefix(end == std::string_view::npos ? wire.size() : end + 2);
  }
}

void ServerSession::closed_by(std::string who) {
  if (!end_.empty()) return;
  static constexpr std::array<std::string_view, 4> kPhases{"before HELO", "between transactions",
                                                           "after MAIL", "after RCPT"};
  end_ = std::move(who) + " " + std::string(kPhases[static_cast<std::size_t>(state_)]);
}

}  // namespace postrider::receive
