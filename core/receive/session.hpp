// SPDX-License-Identifier: MIT
// One client: greeting, commands, QUIT. The coroutine reads as RFC 5321 section 3 does; the verbs
// are in commands.cpp, the content in data_phase.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <postrider/log.hpp>
#include <postrider/protocol_event.hpp>
#include <postrider/session.hpp>
#include <postrider/transaction.hpp>
#include <postrider/verdict.hpp>

#include "plugin/chains.hpp"
#include "queue/queue.hpp"
#include "receive/options.hpp"
#include "receive/relay_policy.hpp"
#include "receive/session_table.hpp"
#include "runtime/runtime.hpp"
#include "smtp/capabilities.hpp"
#include "smtp/command.hpp"
#include "smtp/command_order.hpp"
#include "smtp/line_buffer.hpp"

namespace postrider::receive {

/// What a session works with. All of it outlives the session, but for `chains`, which it keeps.
struct Services {
  runtime::Runtime& runtime;
  queue::Queue& queue;
  SessionTable& table;
  Log& log;
  std::shared_ptr<const Options> options;
  std::shared_ptr<const RelayPolicy> policy;
  plugin::ChainsPtr chains;
};

/// A base before Session, so that it ends after it: facts and slots live by the plugins' code, and
/// after a reload the session may hold their last reference.
struct PluginsKept {
  plugin::ChainsPtr plugins;
};

/// [loop thread] Lives until run() ends; dropping run()'s task drops all it waits for.
class ServerSession final : private PluginsKept, public Session {
 public:
  ServerSession(Services services, runtime::StreamPtr stream, std::string id, bool lmtp);

  /// The whole session. The stream is closed when it ends.
  Task<void> run();

  /// An idle session is told `farewell` (421 and why) and closed, a busy one after its transaction.
  void drain(const Reply& farewell);
  /// It may stay after all, if it is not on its way out yet.
  void stay() noexcept {
    if (!reading_ || transaction_) farewell_.reset();
  }

 private:
  friend class DataPhase;

  Task<bool> greet();
  Task<bool> next_line();  // into line_
  Task<bool> fill(Duration limit, std::string_view late = "Timeout waiting for the client");
  Task<bool> flush();
  Task<void> execute();
  Task<Reply> dispatch(const smtp::Command& command);
  Task<void> refuse_rest(int code);

  Task<Reply> helo_command(smtp::Verb verb, std::string_view argument);
  smtp::Offer offered() const;
  Reply welcome(smtp::Verb verb);
  Task<Reply> mail_command(std::string_view argument);
  Task<Reply> rcpt_command(std::string_view argument);
  Reply add_recipient(Recipient recipient, bool permitted);
  Task<Reply> data_command();
  Reply reset();
  Reply quit();
  Reply verify(std::string_view argument) const;

  void answer(const Reply& reply);
  void send(std::string_view wire);
  Reply refusal(const Verdict& verdict, std::string_view where);
  void note_greeting(TimePoint judged);
  void end_transaction();
  bool is_fault(const Reply& reply) const noexcept;
  bool is_lmtp() const noexcept { return protocol() == Protocol::lmtp; }
  Duration age() const;
  void observe(EventKind kind, std::string_view text, std::uint64_t octets = 0);
  void observe_lines(std::string_view wire);
  void observe_name();
  void closed_by(std::string who);

  Services services_;
  runtime::StreamPtr stream_;
  smtp::LineBuffer input_;
  smtp::LineBuffer::Line line_{};
  std::string output_;   // replies not yet sent: one write per pipelined group
  std::string sending_;  // those being sent
  smtp::SessionState state_ = smtp::SessionState::connected;
  std::unique_ptr<Transaction> transaction_;
  TimePoint accepted_at_{};  // exactly: for the time to banner
  unsigned errors_ = 0;
  std::uint64_t messages_ = 0;
  bool listens_lmtp_ = false;
  bool closing_ = false;
  bool said_quit_ = false;
  bool name_observed_ = false;
  std::optional<Reply> farewell_;  // what it is told as soon as it is idle
  WithinAwaiter<runtime::IoResult<void>>* reading_ = nullptr;  // what an idle session waits in
  std::string end_;                                            // who closed, and in which phase
};

}  // namespace postrider::receive
