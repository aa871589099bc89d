// SPDX-License-Identifier: MIT
#include "control/queue_commands.hpp"

#include <algorithm>

#include "control/base64.hpp"
#include "control/next_step.hpp"
#include "control/why.hpp"

namespace postrider::control {
namespace {

constexpr std::size_t kShownGroups = 20;

std::string no_message(const std::string& id) {
  return "no message " + id + " in the queue; if it was there, the log and postrider trace " +
         "--message " + id + " may tell where it went";
}

/// What was probably meant by a retry.
std::string instead_of(QueueChange::Kind kind, const std::string& states, const std::string& id) {
  if (kind != QueueChange::Kind::retry) return {};
  if (states.contains("failed"))
    return "; try them with: postrider queue retry --state failed " + id;
  if (states.contains("held")) return "; let them go with: postrider queue release " + id;
  return {};
}

/// Why a change of one message changed nothing.
Task<Json> nothing_changed(Daemon& daemon, std::string id, QueueChange::Kind kind) {
  queue::Selection selection;
  selection.queue_id = id;
  const Listing found = co_await daemon.list(selection);
  if (found.messages.empty()) co_return mistake(no_message(id));
  const queue::MessageView& message = found.messages.front();
  std::string states;
  for (const queue::RecipientView& recipient : message.recipients) {
    const std::string state(queue::state_name(recipient.state));
    if (!states.contains(state)) states += (states.empty() ? "" : ", ") + state;
  }
  co_return mistake("nothing to change in " + message.queue_id + ": its recipients are " + states +
                    instead_of(kind, states, message.queue_id));
}

Task<Json> change_of(Daemon& daemon, Request request, QueueChange change) {
  queue::Selection selection = std::move(request.selection);
  if (request.words.size() > 2) selection.queue_id = request.words.back();
  if (selection.is_everything() && change.kind != QueueChange::Kind::retry)
    co_return mistake("say which: an id, or filters; --sender '*' means all");
  const std::string id = selection.queue_id;
  const QueueChange::Kind kind = change.kind;
  const std::size_t changed = co_await daemon.change(std::move(change), std::move(selection));
  if (changed == 0 && !id.empty()) co_return co_await nothing_changed(daemon, id, kind);
  co_return Json{{"changed", changed}};
}

}  // namespace

Task<Json> queue_list(Daemon& daemon, Request request) {
  const Listing found = co_await daemon.list(std::move(request.selection));
  Json list = Json::array();
  for (const queue::MessageView& message : found.messages) list.push_back(to_json(found, message));
  co_return Json{{"messages", std::move(list)}, {"more", found.is_cut}};
}

Task<Json> queue_count(Daemon& daemon, Request request) {
  const std::size_t limit = request.limit.value_or(kShownGroups);
  const auto table = co_await daemon.tally(std::move(request.selection), request.key);
  co_return to_json(table, limit);
}

/// One message whole: its state, each recipient's reason and next step, its header block.
Task<Json> queue_show(Daemon& daemon, Request request) {
  queue::Selection selection;
  selection.queue_id = request.words.back();
  const Listing found = co_await daemon.list(selection);
  if (found.messages.empty()) co_return mistake(no_message(request.words.back()));
  Json shown = to_json(found, found.messages.front());
  const auto headers = daemon.headers(request.words.back());
  shown["headers"] = headers ? *headers : "(" + headers.error() + ")";
  co_return shown;
}

Task<Json> queue_why(Daemon& daemon, Request request) {
  auto answer = co_await why(daemon, request.words.back());
  co_return answer ? std::move(*answer) : mistake(no_message(request.words.back()));
}

Task<Json> queue_retry(Daemon& daemon, Request request) {
  return change_of(daemon, std::move(request), {.kind = QueueChange::Kind::retry});
}
Task<Json> queue_hold(Daemon& daemon, Request request) {
  return change_of(daemon, std::move(request), {.kind = QueueChange::Kind::hold});
}
Task<Json> queue_release(Daemon& daemon, Request request) {
  return change_of(daemon, std::move(request), {.kind = QueueChange::Kind::release});
}
Task<Json> queue_remove(Daemon& daemon, Request request) {
  return change_of(daemon, std::move(request), {.kind = QueueChange::Kind::remove});
}
Task<Json> queue_bounce(Daemon& daemon, Request request) {
  QueueChange change{.kind = QueueChange::Kind::bounce, .text = request.text};
  Json answer = co_await change_of(daemon, std::move(request), std::move(change));
  const bool reported = co_await daemon.reports_failures();
  answer["reported"] = reported;
  co_return answer;
}

Task<Json> queue_give_up(Daemon& daemon, Request request) {
  if (!request.give_up)
    co_return mistake("say when: after (arrival), in (from now) or at (a time)");
  const QueueChange change{.kind = QueueChange::Kind::give_up, .give_up = *request.give_up};
  co_return co_await change_of(daemon, std::move(request), change);
}

Task<Json> queue_body(Daemon& daemon, Request request) {
  const auto octets = daemon.content(request.words.back(), request.offset);
  if (!octets) return Task<Json>(mistake(octets.error()));
  return Task<Json>(Json{{"offset", request.offset}, {"base64", to_base64(*octets)}});
}

}  // namespace postrider::control
