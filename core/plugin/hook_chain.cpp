// SPDX-License-Identifier: MIT
#include "plugin/hook_chain.hpp"

#include <utility>

#include "plugin/shadow_message.hpp"

namespace postrider::plugin {
namespace {

std::string_view action_text(Verdict::Action action) {
  static constexpr std::array<std::string_view, 6> kNames{"pass",   "accept", "defer",
                                                          "reject", "hold",   "discard"};
  return kNames[static_cast<std::size_t>(action)];
}

}  // namespace

/// What a plugin in shadow mode may change without effect.
struct HookChain::Scratch {
  explicit Scratch(const Subject& subject) {
    if (subject.recipient) recipient = *subject.recipient;
    if (subject.message) message.emplace(*subject.message);
  }
  Subject over(Subject subject) {
    if (subject.recipient) subject.recipient = &recipient;
    if (subject.message) subject.message = &*message;
    return subject;
  }
  Recipient recipient;
  std::optional<ShadowMessage> message;
};

Task<Verdict> HookChain::judge(Subject subject) {
  std::size_t index = 0;
  Pending pending;
  if (auto verdict = ask_from(index, subject, pending)) return std::move(*verdict);
  return go_on(index, subject, std::move(pending));
}

/// A verdict, or nothing: then instance `index` is at work in `pending`.
std::optional<Verdict> HookChain::ask_from(std::size_t& index, Subject subject, Pending& pending) {
  for (; index < instances_.size(); ++index) {
    auto verdict = ask(*instances_[index], subject, pending);
    if (!verdict || !verdict->is_pass()) return verdict;
  }
  return pass();
}

std::optional<Verdict> HookChain::ask(Instance& instance, Subject subject, Pending& pending) {
  pending.task.reset();
  pending.scratch.reset();
  if (instance.is_bypassed(loop_.now()))
    return instance.is_shadow() ? pass() : policy_verdict(instance, Fault::threw);
  if (instance.is_shadow()) {
    pending.scratch = std::make_unique<Scratch>(subject);
    subject = pending.scratch->over(subject);
  }
  const auto began = StopClock::now();
  Ended<Verdict> ended;
  pending.task = enter(ended, instance.name(kind_), [&] { return call(instance, subject); });
  if (pending.task && !pending.task->await_ready()) return std::nullopt;
  const auto held = StopClock::now() - began;
  instance.spent(kind_, held, held);
  if (pending.task) ended.value.emplace(pending.task->take());
  return settle(instance, std::move(ended));
}

Task<Verdict> HookChain::go_on(std::size_t index, Subject subject, Pending pending) {
  for (;;) {
    Instance& instance = *instances_[index];
    HookCall<Verdict> call(loop_, instance.block().hook_timeout, instance.name(kind_));
    call.set_task(std::move(*pending.task));
    Ended<Verdict> ended = co_await call;
    instance.spent(kind_, call.total(), call.held());
    Verdict verdict = settle(instance, std::move(ended));
    if (!verdict.is_pass()) co_return verdict;
    ++index;
    if (auto next = ask_from(index, subject, pending)) co_return std::move(*next);
  }
}

Task<Verdict> HookChain::call(Instance& instance, const Subject& s) {
  const HookTable& hooks = instance.hooks();
  switch (kind_) {
    case HookKind::connect:
      return hooks.connect->on_connect(*s.session);
    case HookKind::helo:
      return hooks.helo->on_helo(*s.session);
    case HookKind::mail:
      return hooks.mail->on_mail(*s.session, *s.transaction);
    case HookKind::rcpt:
      return hooks.rcpt->on_rcpt(*s.session, *s.transaction, *s.recipient);
    case HookKind::data:
      return hooks.data->on_data(*s.session, *s.transaction);
    case HookKind::message:
      return hooks.message->on_message(*s.session, *s.transaction, *s.message);
    case HookKind::attempt:
      return hooks.attempt->on_peer(*s.destination, *s.peer);
    default:
      return pass();  // no judge
  }
}

Verdict HookChain::settle(Instance& instance, Ended<Verdict> ended) {
  if (ended.value) {
    std::string wrong = malformation(*ended.value);
    if (wrong.empty()) {
      instance.succeeded();
      return apply(instance, std::move(*ended.value));
    }
    ended.fault = Fault::malformed;
    ended.reason = std::move(wrong);
  }
  instance.failed(kind_, ended.fault, ended.reason, loop_.now());
  return instance.is_shadow() ? pass() : policy_verdict(instance, ended.fault);
}

/// Count and log what is not pass(); in shadow mode nothing more.
Verdict HookChain::apply(Instance& instance, Verdict verdict) {
  if (verdict.is_pass()) return verdict;
  if (verdict.is_refusal()) ++instance.counter(kind_).refusals;
  const bool shadow = instance.is_shadow();
  if (shadow || !verdict.reason().empty()) {
    instance.log().write(LogLevel::info, shadow ? "verdict not applied" : "verdict",
                         {{"hook", hook_name(kind_)},
                          {"action", action_text(verdict.action())},
                          {"reply", verdict.is_refusal() ? verdict.reply().line() : ""},
                          {"reason", verdict.reason()}});
  }
  return shadow ? pass() : std::move(verdict);
}

std::string HookChain::malformation(const Verdict& verdict) const {
  using enum Verdict::Action;
  const Verdict::Action action = verdict.action();
  if (action > discard) return "no such verdict";
  if (action == defer && !verdict.reply().is_temporary()) return "defer without a 4yz reply";
  if (action == reject && (!verdict.reply().is_permanent() || verdict.reply().code > 599))
    return "reject without a 5yz reply";
  if ((action == hold || action == discard) && kind_ != HookKind::message)
    return "hold or discard where there is no message";
  return {};
}

Verdict HookChain::policy_verdict(const Instance& instance, Fault fault) const {
  switch (instance.policy(fault)) {
    case FailurePolicy::pass:
      return pass();
    case FailurePolicy::reject:
      return reject("554 5.3.0 Local policy cannot be checked");
    case FailurePolicy::defer:
      break;
  }
  return defer("451 4.3.0 Local policy cannot be checked now, try again later");
}

}  // namespace postrider::plugin
