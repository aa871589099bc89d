// SPDX-License-Identifier: MIT
#include "control/order_commands.hpp"

#include "queue/selection.hpp"

namespace postrider::control {
namespace {

Json orders_of(const Daemon& daemon) {
  Json json = to_json(daemon.mode());
  json["suspended"] = to_json(daemon.suspended());
  return json;
}

Json answer_of(const Daemon& daemon, const Done& done) {
  return done ? orders_of(daemon) : mistake(done.error());
}

}  // namespace

Json to_json(const ModeView& view) {
  const auto time = [](const std::optional<WallTime>& moment) {
    return moment ? Json(time_text(*moment)) : Json(nullptr);
  };
  return {{"mode", mode_name(view.mode)},
          {"configured", mode_name(view.configured)},
          {"ordered_since", time(view.ordered)},
          {"draining_since", time(view.draining)},
          {"stops_when_drained", view.stops_when_drained}};
}

Json to_json(const std::vector<queue::Suspension>& suspended) {
  Json list = Json::array();
  for (const queue::Suspension& one : suspended)
    list.push_back(
        {{"destination", one.pattern}, {"since", time_text(one.since)}, {"reason", one.reason}});
  return list;
}

Task<Json> mode_command(Daemon& daemon, Request request) {
  if (request.words.size() < 2) co_return orders_of(daemon);
  const std::string& name = request.words.back();
  const auto mode = config::parse_mode(name);
  if (!mode && name != "configured")
    co_return mistake("no mode \"" + name +
                      "\"; inbound-outbound, inbound-only, outbound-only, none, or configured for "
                      "what server.mode says");
  const Done done = co_await daemon.set_mode(mode);
  co_return answer_of(daemon, done);
}

Task<Json> destination_suspend(Daemon& daemon, Request request) {
  if (request.words.size() < 3 || request.words.back().empty())
    co_return mistake("say which: a name as in postrider destinations; * matches anything");
  const std::string pattern = request.words.back();
  const Done done = co_await daemon.suspend(pattern, request.text);
  Json answer = answer_of(daemon, done);
  if (!done) co_return answer;
  const auto found = co_await daemon.destinations(
      [pattern](const std::string& name) { return queue::fits(pattern, name); }, 1);
  answer["destinations"] = found.in_all;
  co_return answer;
}

Task<Json> destination_resume(Daemon& daemon, Request request) {
  if (request.words.size() < 3 || request.words.back().empty())
    co_return mistake("say which: a name as it was suspended; * for all");
  const Done done = co_await daemon.resume(request.words.back());
  co_return answer_of(daemon, done);
}

Task<Json> drain_command(Daemon& daemon, Request request) {
  const bool ends = request.words.size() > 1;
  if (ends && request.words.back() != "cancel")
    co_return mistake("drain, or drain cancel; not drain " + request.words.back());
  Task<Done> doing = ends ? daemon.end_drain() : daemon.drain_queue(request.stop);
  const Done done = co_await doing;
  Json answer = answer_of(daemon, done);
  if (!done) co_return answer;
  answer["queue"] = to_json(co_await daemon.counts());
  co_return answer;
}

}  // namespace postrider::control
