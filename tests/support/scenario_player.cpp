// SPDX-License-Identifier: MIT
#include "support/scenario_player.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include <postrider/quantity.hpp>

#include "support/scenario_mail.hpp"

namespace postrider::sim {
namespace {

// Times are as exact as the script can be: the network and DNS take their milliseconds.
constexpr Duration kTolerance = 2s;
// What a message needs to be on its way, if nothing is wrong.
constexpr Duration kMoment = 1s;

[[noreturn]] void differs(std::string_view expected, std::string_view is) {
  throw Mismatch(fmt::format("expected  {}\n       is  {}", expected, is));
}

void expect_number(std::string_view what, std::size_t expected, std::size_t is) {
  if (is != expected) differs(fmt::format("{} {}", expected, what), std::to_string(is));
}

bool is_near(Duration a, Duration b) {
  return std::chrono::abs(a - b) <= kTolerance;
}

bool is_one_of(std::string_view word, std::string_view one, std::string_view many) {
  return word == one || word == many;
}

}  // namespace

ScenarioPlayer::ScenarioPlayer(std::vector<Step> steps, unsigned loops)
    : steps_(std::move(steps)), loops_(loops) {}

void ScenarioPlayer::play() {
  std::vector<std::string> config, zone;
  for (const Step& step : steps_) {
    line_ = step.line;
    if (step.text == "config") config = step.block;
    if (step.text == "zone" && zone.empty()) zone = step.block;
  }
  server_ = std::make_unique<SimServer>(config, zone, loops_);
  for (const Step& step : steps_) {
    line_ = step.line;
    const auto now = server_->world().now().time_since_epoch();
    history_ += fmt::format("{:>16}  {}\n",
                            format_duration(std::chrono::duration_cast<Duration>(now)), step.text);
    if (!perform(step)) throw Mismatch("\"" + step.text + "\" is no step of a scenario");
  }
}

bool ScenarioPlayer::perform(const Step& step) {
  std::string_view rest = step.text;
  if (rest == "config") return true;
  if (rest == "zone") return server_->zone().load(step.block), true;
  if (perform_on_server(rest)) return server_->world().run_for(kMoment), true;
  if (take_word(rest, "peer")) return peer(step, rest), true;
  if (take_word(rest, "mail")) return mail(step, rest), true;
  if (take_word(rest, "time passes")) return server_->world().run_for(duration_of(rest)), true;
  if (take_word(rest, "queue")) return queue_has(rest), true;
  if (take_word(rest, "recipient")) return recipient(rest), true;
  if (take_word(rest, "dns counts")) return dns_counts(rest), true;
  if (take_word(rest, "log")) return log_has(rest), true;
  return false;
}

/// What happens to the process, to its clock, and what the operator does. A moment follows.
bool ScenarioPlayer::perform_on_server(std::string_view text) {
  if (text == "stop" || text == "restart") server_->stop();
  if (text == "start" || text == "restart") server_->start();
  if (text == "stop" || text == "start" || text == "restart") return true;
  if (take_word(text, "clock jumps back"))
    return server_->world().jump_wall(-duration_of(text)), true;
  if (take_word(text, "clock jumps")) return server_->world().jump_wall(duration_of(text)), true;
  for (const std::string_view verb : {"hold", "release", "retry", "remove", "bounce", "give up"})
    if (take_word(text, verb)) return change(verb, text), true;
  for (const std::string_view verb : {"suspend", "resume", "mode"})
    if (take_word(text, verb)) return order(verb, text), true;
  return false;
}

void ScenarioPlayer::peer(const Step& step, std::string_view rest) {
  const std::string address = next_word(rest);
  auto& there = peers_[address];
  if (!there) {
    const auto parsed = IpAddress::parse(address);
    if (!parsed) throw Mismatch(parsed.error());
    there = std::make_unique<ScenarioPeer>(server_->world(), server_->outside(), *parsed);
    there->behave(std::vector<std::string>());
  }
  if (take_word(rest, "has")) return peer_has(*there, rest);
  if (take_word(rest, "was called at")) return peer_was_called(*there, rest);
  if (take_word(rest, "got")) return peer_got(*there, rest);
  std::vector<std::string> sentences = step.block;
  if (!rest.empty()) sentences.emplace_back(rest);
  there->behave(sentences);
}

/// "has 1 message", "has 2 connections"
void ScenarioPlayer::peer_has(const ScenarioPeer& peer, std::string_view rest) {
  const std::size_t expected = number_of(next_word(rest));
  if (is_one_of(rest, "message", "messages"))
    return expect_number(rest, expected, peer.messages().size());
  if (is_one_of(rest, "connection", "connections"))
    return expect_number(rest, expected, peer.calls().size());
  throw Mismatch("a peer has messages or connections");
}

/// "was called at 0 5m 15m then every 4h until 5d": since its first call.
void ScenarioPlayer::peer_was_called(const ScenarioPeer& peer, std::string_view rest) {
  std::vector<Duration> expected;
  while (!rest.empty() && !take_word(rest, "then every"))
    expected.push_back(duration_of(next_word(rest)));
  if (!rest.empty()) {
    const Duration every = duration_of(next_word(rest));
    if (!take_word(rest, "until") || expected.empty()) throw Mismatch("then every 4h until 5d");
    const Duration end = duration_of(rest);
    while (expected.back() + every < end) expected.push_back(expected.back() + every);
  }
  std::string wanted, came;
  bool same = expected.size() == peer.calls().size();
  for (const Duration at : expected) wanted += " " + format_duration(at);
  for (std::size_t i = 0; i < peer.calls().size(); ++i) {
    const auto at = std::chrono::round<Duration>(peer.calls()[i] - peer.calls().front());
    came += " " + format_duration(at);
    same = same && is_near(at, expected[i]);
  }
  if (!same) differs(wanted, came);
}

/// "got from <a@b> to <c@d> <e@f>", "got content *pattern*": of its last message. "got the letter
/// whole": its last message is what was last handed in, octet for octet, below our trace field.
void ScenarioPlayer::peer_got(const ScenarioPeer& peer, std::string_view rest) {
  if (peer.messages().empty()) differs("a message", "none");
  const ScenarioPeer::Message& last = peer.messages().back();
  if (rest == "the letter whole") {
    const std::string wanted = stuffed(last_letter_);
    const std::string came = last.content + "\r\n";
    std::size_t trace = came.find("\r\n") + 2;
    while (came.substr(trace, 1) == "\t") trace = came.find("\r\n", trace) + 2;
    if (came.starts_with("Received: ") && came.substr(trace) == wanted) return;
    differs(fmt::format("{} octets", wanted.size()),
            fmt::format("{} other octets", came.size() - trace));
  }
  if (take_word(rest, "content")) {
    if (!matches(rest, escape(last.content))) differs(rest, escape(last.content));
    return;
  }
  const std::string got = "from " + last.sender + " to " + last.recipients;
  if (!matches(rest, got)) differs(rest, got);
}

void ScenarioPlayer::mail(const Step& step, std::string_view rest) {
  const Letter letter = read_letter(rest, step.block);
  const std::string reply = send_letter(*server_, letter);
  if (!matches(letter.expected + "*", reply)) differs(letter.expected, reply);
  last_letter_ = content_of(letter);
  server_->world().run_for(kMoment);
}

void ScenarioPlayer::queue_has(std::string_view rest) {
  const std::size_t is = server_->messages().size();
  if (rest == "is empty") return expect_number("messages in the queue", 0, is);
  if (!take_word(rest, "has")) throw Mismatch("queue is empty, or queue has 2 messages");
  expect_number("messages in the queue", number_of(next_word(rest)), is);
}

std::vector<queue::RecipientView> ScenarioPlayer::find(const std::string& address) {
  std::vector<queue::RecipientView> found;
  for (const queue::MessageView& message : server_->messages())
    for (const queue::RecipientView& view : message.recipients)
      if (view.address == address) found.push_back(view);
  return found;
}

/// "b@y is delayed status 4.4.1 attempts 2 next in 10m reason *pattern*", "b@y is gone"
void ScenarioPlayer::recipient(std::string_view rest) {
  const std::string address = next_word(rest);
  if (!take_word(rest, "is")) throw Mismatch("recipient ADDRESS is STATE");
  const std::string state = next_word(rest);
  const auto found = find(address);
  const bool gone = std::ranges::all_of(
      found, [](auto& view) { return view.state == queue::RecipientState::delivered; });
  if (gone != (state == "gone"))
    differs(state, gone ? "gone" : std::string(queue::state_name(found.front().state)));
  if (gone) return;
  for (const queue::RecipientView& view : found) {
    if (queue::state_name(view.state) != state)
      differs(state, fmt::format("{}: {}", queue::state_name(view.state), view.reason));
    recipient_facts(view, rest);
  }
}

void ScenarioPlayer::recipient_facts(const queue::RecipientView& view, std::string_view rest) {
  while (!rest.empty()) {
    if (take_word(rest, "status")) {
      if (const std::string status = next_word(rest); status != view.status)
        differs(status, view.status + " " + view.reason);
    } else if (take_word(rest, "attempts")) {
      expect_number("attempts", number_of(next_word(rest)), view.attempts);
    } else if (take_word(rest, "next in")) {
      const Duration expected = duration_of(next_word(rest));
      if (!view.next_attempt) differs(format_duration(expected), "no next attempt");
      const Duration is = *view.next_attempt - server_->world().wall_now();
      if (!is_near(is, expected)) differs(format_duration(expected), format_duration(is));
    } else if (take_word(rest, "reason")) {
      if (!matches(rest, view.reason)) differs(rest, view.reason);
      return;
    } else {
      throw Mismatch("of a recipient: status, attempts, next in, reason; not " + std::string(rest));
    }
  }
}

/// "hold ADDRESS", "bounce ADDRESS why", "give up ADDRESS after 2h"
void ScenarioPlayer::change(std::string_view verb, std::string_view rest) {
  queue::Selection selection;
  selection.recipient = next_word(rest);
  const bool is_give_up = verb == "give up";
  if (is_give_up && !take_word(rest, "after")) throw Mismatch("give up ADDRESS after 2h");
  const queue::GiveUpTime time{.at = {}, .after = is_give_up ? duration_of(rest) : Duration()};
  std::size_t changed = 0;
  for (queue::LoopQueue* queue : server_->queues())
    changed += verb == "hold"      ? queue->hold(selection)
               : verb == "release" ? queue->release(selection)
               : verb == "retry"   ? queue->retry(selection)
               : verb == "bounce"  ? queue->bounce(selection, std::string(rest))
               : is_give_up        ? queue->set_give_up(selection, time)
                                   : queue->remove(selection);
  if (changed == 0) differs("a recipient to " + std::string(verb), "none");
}

void ScenarioPlayer::order(std::string_view verb, std::string_view name) {
  Orders orders = server_->orders();
  if (verb == "mode") {
    orders.mode = config::parse_mode(name);
    if (!orders.mode && name != "configured") throw Mismatch("no mode " + std::string(name));
  } else if (verb == "suspend") {
    orders.suspended.push_back(
        {.pattern = std::string(name), .since = server_->world().wall_now(), .reason = ""});
  } else if (std::erase_if(orders.suspended, [&](auto& one) { return one.pattern == name; }) == 0) {
    differs(std::string(name) + " to be suspended", "it is not");
  }
  server_->obey(std::move(orders));
}

void ScenarioPlayer::dns_counts(std::string_view rest) {
  const std::string type = next_word(rest);
  const std::string name = next_word(rest);
  expect_number("questions", number_of(rest), server_->zone().count(type, name));
}

void ScenarioPlayer::log_has(std::string_view pattern) {
  const std::string anywhere = "*" + std::string(pattern) + "*";
  const auto lines = server_->log();
  if (!std::ranges::any_of(lines, [&](auto& line) { return matches(anywhere, line); }))
    differs("a line of the log with " + std::string(pattern), "none");
}

std::string ScenarioPlayer::report() {
  std::string text = "so far:\n" + history_;
  if (!server_ || !server_->is_running()) return text;
  text += "\nthe queue:\n";
  for (const queue::MessageView& message : server_->messages())
    for (const queue::RecipientView& view : message.recipients)
      text += fmt::format("  {} {} {} after {} attempts, {} {}\n", message.queue_id, view.address,
                          queue::state_name(view.state), view.attempts, view.status, view.reason);
  return text + "\nthe log:\n" + joined(server_->log());
}

}  // namespace postrider::sim
