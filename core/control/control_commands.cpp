// SPDX-License-Identifier: MIT
#include "control/control_commands.hpp"

#include <algorithm>
#include <array>

#include "control/control_json.hpp"

namespace postrider::control {

namespace {

/// A request, read and checked.
struct Request {
  std::vector<std::string> words;
  queue::Selection selection;
};

struct Command {
  std::string_view words;  ///< as the operator types them
  std::size_t arguments;   ///< words after those
  Task<Json> (*run)(Daemon& daemon, Request request);
};

Json mistake(std::string text) {
  return {{"error", std::move(text)}};
}

std::string no_message(const std::string& id) {
  return "no message " + id + " in the queue; postrider queue list shows those there are";
}

Task<Json> status(Daemon& daemon, Request) {
  const queue::QueueCounts counts = co_await daemon.counts();
  co_return Json{{"hostname", daemon.hostname()},    {"started", time_text(daemon.started_at())},
                 {"stopping", daemon.is_stopping()}, {"sessions", to_json(daemon.sessions())},
                 {"queue", to_json(counts)},         {"store", to_json(daemon.store_stats())}};
}

Task<Json> queue_list(Daemon& daemon, Request request) {
  const auto messages = co_await daemon.list(std::move(request.selection));
  Json list = Json::array();
  for (const queue::MessageView& message : messages) list.push_back(to_json(message));
  co_return Json{{"messages", std::move(list)}};
}

/// One message whole: its state, each recipient's reason and next step, its header block.
Task<Json> queue_show(Daemon& daemon, Request request) {
  queue::Selection selection;
  selection.queue_id = request.words.back();
  const auto found = co_await daemon.list(selection);
  if (found.empty()) co_return mistake(no_message(request.words.back()));
  Json shown = to_json(found.front());
  const auto headers = daemon.headers(request.words.back());
  shown["headers"] = headers ? *headers : "(" + headers.error() + ")";
  co_return shown;
}

/// Why a change of one message changed nothing.
Task<Json> nothing_changed(Daemon& daemon, std::string id) {
  queue::Selection selection;
  selection.queue_id = id;
  const auto found = co_await daemon.list(selection);
  if (found.empty()) co_return mistake(no_message(id));
  std::string states;
  for (const queue::RecipientView& recipient : found.front().recipients) {
    const std::string state(queue::state_name(recipient.state));
    if (!states.contains(state)) states += (states.empty() ? "" : ", ") + state;
  }
  co_return mistake("nothing to change in " + found.front().queue_id + ": its recipients are " +
                    states);
}

template <QueueChange kind>
Task<Json> queue_change(Daemon& daemon, Request request) {
  queue::Selection selection = std::move(request.selection);
  if (request.words.size() > 2) selection.queue_id = request.words.back();
  const bool all = selection.queue_id.empty() && selection.sender.empty() &&
                   selection.recipient.empty() && selection.destination.empty();
  if (all && kind != QueueChange::retry)
    co_return mistake("say which: an id, --sender, --recipient or --destination (\"*\" for all)");
  const std::string id = selection.queue_id;
  const std::size_t changed = co_await daemon.change(kind, std::move(selection));
  if (changed == 0 && !id.empty()) co_return co_await nothing_changed(daemon, id);
  co_return Json{{"changed", changed}};
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

constexpr std::array<Command, 12> kCommands{{
    {"status", 0, status},
    {"queue list", 0, queue_list},
    {"queue show", 1, queue_show},
    {"why", 1, queue_show},
    {"queue retry", 1, queue_change<QueueChange::retry>},
    {"queue hold", 1, queue_change<QueueChange::hold>},
    {"queue release", 1, queue_change<QueueChange::release>},
    {"queue remove", 1, queue_change<QueueChange::remove>},
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

std::expected<queue::Selection, std::string> selection_of(const Json& options) {
  queue::Selection selection;
  selection.sender = options.value("sender", "");
  selection.recipient = options.value("recipient", "");
  selection.destination = options.value("destination", "");
  selection.limit = options.value("limit", selection.limit);
  const std::string state = options.value("state", "");
  if (state.empty()) return selection;
  using enum queue::RecipientState;
  for (const auto known : {queued, active, delayed, held, delivered, failed})
    if (queue::state_name(known) == state) selection.state = known;
  if (!selection.state)
    return std::unexpected("no state \"" + state +
                           "\"; queued, active, delayed, held, delivered or failed");
  return selection;
}

std::expected<Request, std::string> read(const std::string& line) {
  const Json parsed = Json::parse(line, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("words") || !parsed["words"].is_array())
    return std::unexpected("a request is one line of JSON: {\"words\": [\"status\"]}");
  Request request;
  for (const Json& word : parsed["words"])
    if (word.is_string()) request.words.push_back(word.get<std::string>());
  if (request.words.empty()) return std::unexpected("no command");
  try {
    auto selection = selection_of(parsed.value("options", Json::object()));
    if (!selection) return std::unexpected(selection.error());
    request.selection = std::move(*selection);
  } catch (const nlohmann::json::exception&) {
    return std::unexpected("an option has a value of the wrong type");
  }
  return request;
}

std::string line_of(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Task<std::string> answer(Daemon& daemon, std::string request) {
  auto asked = read(request);
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
