// SPDX-License-Identifier: MIT
#include "control/control_commands.hpp"

#include <algorithm>
#include <array>

#include "control/control_json.hpp"
#include "control/queue_commands.hpp"
#include "control/request.hpp"

namespace postrider::control {

namespace {

struct Command {
  std::string_view words;  ///< as the operator types them
  std::size_t arguments;   ///< words after those
  Task<Json> (*run)(Daemon& daemon, Request request);
};

Task<Json> status(Daemon& daemon, Request) {
  const queue::QueueCounts counts = co_await daemon.counts();
  co_return Json{{"hostname", daemon.hostname()},    {"started", time_text(daemon.started_at())},
                 {"stopping", daemon.is_stopping()}, {"sessions", to_json(daemon.sessions())},
                 {"queue", to_json(counts)},         {"store", to_json(daemon.store_stats())}};
}

Task<Json> destinations(Daemon& daemon, Request) {
  const auto all = co_await daemon.destinations();
  Json list = Json::array();
  for (const queue::DestinationView& destination : all) list.push_back(to_json(destination));
  co_return Json{{"destinations", std::move(list)}};
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

constexpr std::array<Command, 13> kCommands{{
    {"status", 0, status},
    {"queue list", 0, queue_list},
    {"queue count", 0, queue_count},
    {"queue show", 1, queue_show},
    {"why", 1, queue_why},
    {"queue retry", 1, queue_retry},
    {"queue hold", 1, queue_hold},
    {"queue release", 1, queue_release},
    {"queue remove", 1, queue_remove},
    {"destinations", 0, destinations},
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
  co_return line_of(
      mistake("unknown command \"" + joined(asked->words, 3) +
              "\"; see postrider --help (a plugin's command needs its [[plugin]] block)"));
}

}  // namespace postrider::control
