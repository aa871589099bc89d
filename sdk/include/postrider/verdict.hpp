// SPDX-License-Identifier: MIT
// What a judging hook answers: exactly one Verdict. The first answer other than pass() wins.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <postrider/reply.hpp>

namespace postrider {

class Verdict {
 public:
  enum class Action : std::uint8_t { pass, accept, defer, reject, hold, discard };

  explicit Verdict(Action action = Action::pass) : action_(action) {}
  Verdict(Action action, Reply reply) : action_(action), reply_(std::move(reply)) {}

  /// Close the session after the reply (421 or 5yz).
  Verdict and_disconnect() && {
    disconnect_ = true;
    return std::move(*this);
  }
  /// The private reason: logged, never sent to the client.
  Verdict because(std::string reason) && {
    reason_ = std::move(reason);
    return std::move(*this);
  }

  Action action() const noexcept { return action_; }
  bool is_pass() const noexcept { return action_ == Action::pass; }
  bool is_refusal() const noexcept { return action_ == Action::defer || action_ == Action::reject; }
  const Reply& reply() const noexcept { return reply_; }
  bool disconnects() const noexcept { return disconnect_; }
  const std::string& reason() const noexcept { return reason_; }

 private:
  Action action_;
  bool disconnect_ = false;
  Reply reply_;
  std::string reason_;
};

/// No opinion: ask the next plugin, then the core's own policy.
inline Verdict pass() {
  return Verdict(Verdict::Action::pass);
}
/// Yes, and ask no further plugin. At RCPT this also permits relaying.
inline Verdict accept() {
  return Verdict(Verdict::Action::accept);
}
/// Not now: defer("451 4.7.1 Text"); the class is checked at compile time.
inline Verdict defer(ReplyLiteral reply) {
  return {Verdict::Action::defer, Reply(reply)};
}
/// The same with a text of run time; a code that is not 4yz becomes 451 4.3.0.
Verdict defer(Reply reply);
/// Never: reject("550 5.7.1 Text").
inline Verdict reject(ReplyLiteral reply) {
  return {Verdict::Action::reject, Reply(reply)};
}
/// The same with a text of run time; a code that is not 5yz becomes 550 5.7.1.
Verdict reject(Reply reply);
/// [message] Accept and keep in the queue until the operator releases it.
inline Verdict hold() {
  return Verdict(Verdict::Action::hold);
}
/// [message] Answer 250 and drop it; logged as discarded.
inline Verdict discard() {
  return Verdict(Verdict::Action::discard);
}

}  // namespace postrider
