// SPDX-License-Identifier: MIT
#include "control/control_commands.hpp"

#include <algorithm>
#include <array>

#include "control/control_json.hpp"
#include "control/order_commands.hpp"
#include "control/queue_commands.hpp"
#include "control/request.hpp"
#include "queue/selection.hpp"

namespace postrider::control {

namespace {

constexpr std::size_t kShownDestinations = 1000;

struct Command {
  std::string_view words;  ///< as the operator types them
  std::size_t arguments;   ///< words after those
  Task<Json> (*run)(Daemon& daemon, Request request);
};

Task<Json> status(Daemon& daemon, Request) {
  const queue::QueueCounts counts = co_await daemon.counts();
  Json orders = to_json(daemon.mode());
  orders["suspended"] = to_json(daemon.suspended());
  co_return Json{
      {"hostname", daemon.hostname()},          {"started", time_text(daemon.started_at())},
      {"stopping", daemon.is_stopping()},       {"orders", std::move(orders)},
      {"sessions", to_json(daemon.sessions())}, {"queue", to_json(counts)},
      {"store", to_json(daemon.store_stats())}, {"memory", to_json(daemon.memory())},
      {"standing", to_json(daemon.standing())}};
}

/// `destinations`, `destinations PATTERN`: those with the most mail.
Task<Json> destinations(Daemon& daemon, Request request) {
  const std::string pattern = request.words.size() > 1 ? request.words.back() : std::string();
  const auto found = co_await daemon.destinations(
      [pattern](const std::string& name) { return queue::fits(pattern, name); },
      request.limit.value_or(kShownDestinations));
  Json list = Json::array();
  for (const queue::DestinationView& one : found.destinations) list.push_back(to_json(one));
  co_return Json{{"destinations", std::move(list)},
                 {"in_all", found.in_all},
                 {"suspended", to_json(daemon.suspended())}};
}

Task<Json> plugins(Daemon& daemon, Request) {
  const auto all = co_await daemon.plugins();
  Json list = Json::array();
  for (const plugin::PluginView& plugin : all) list.push_back(to_json(plugin));
  co_return Json{{"plugins", std::move(list)}};
}

Task<Json> reload(Daemon& daemon, Request) {
  const Reloading done = co_await daemon.reload();
  if (done.mistakes.empty()) co_return Json{{"reloaded", true}, {"restart", done.restart}};
  Json answer = mistake("not reloaded; the former configuration stays in force");
  answer["mistakes"] = done.mistakes;
  co_return answer;
}

Task<Json> stop(Daemon& daemon, Request) {
  daemon.stop();
  return Task<Json>(Json{{"stopping", true}});
}

constexpr std::array<Command, 20> kCommands{{
    {"status", 0, status},
    {"queue list", 0, queue_list},
    {"queue count", 0, queue_count},
    {"queue show", 1, queue_show},
    {"why", 1, queue_why},
    {"queue retry", 1, queue_retry},
    {"queue hold", 1, queue_hold},
    {"queue release", 1, queue_release},
    {"queue remove", 1, queue_remove},
    {"queue bounce", 1, queue_bounce},
    {"queue give-up", 1, queue_give_up},
    {"queue body", 1, queue_body},
    {"destinations", 1, destinations},
    {"destination suspend", 1, destination_suspend},
    {"destination resume", 1, destination_resume},
    {"mode", 1, mode_command},
    {"drain", 1, drain_command},
    {"plugins", 0, plugins},
    {"reload", 0, reload},
    {"stop", 0, stop},
}};

std::string joined(const std::vector<std::string>& words, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < std::min(count, words.size()); ++i)
    text += (i == 0 ? "" : " ") + words[i];
  return text;
}

const Command* find(const std::vector<std::string>& words) {
  for (const Command& command : kCommands) {
    const auto count = static_cast<std::size_t>(std::ranges::count(command.words, ' ')) + 1;
    if (joined(words, count) == command.words && words.size() <= count + command.arguments)
      return &command;
  }
  return nullptr;
}

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Task<std::string> answer(Daemon& daemon, std::string request) {
  auto asked = read_request(request, daemon.now());
  if (!asked) co_return line_of(mistake(asked.error()));
  if (const Command* command = find(asked->words)) {
    const Json result = co_await command->run(daemon, std::move(*asked));
    co_return line_of(result);
  }
  const auto plugin = co_await daemon.plugin_command(asked->words);
  if (plugin) co_return *plugin + "\n";
  co_return line_of(mistake(
      "unknown command \"" + joined(asked->words, 3) +
      "\"; see postrider --help. A plugin's command needs its [[plugin]] block: trace that of "
      "protocol_log, routes that of route_cache"));
}

}  // namespace postrider::control
