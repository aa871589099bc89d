// SPDX-License-Identifier: MIT
// The tool's commands on the queue: each passes words and options on, and prints the answer.
#include <algorithm>
#include <cstdio>
#include <iostream>

#include "control/base64.hpp"
#include "control/control_client.hpp"
#include "control/count_text.hpp"
#include "control/misuse.hpp"
#include "control/order_text.hpp"
#include "control/tool.hpp"
#include "control/tool_text.hpp"

namespace postrider::control {

int complain(const std::string& text, int code) {
  std::fprintf(stderr, "postrider: %s\n", text.c_str());
  return code;
}

int tell(const Arguments& arguments, const std::expected<Answer, std::string>& answer, int code) {
  if (!answer) return complain(answer.error(), code);
  std::cout << (arguments.json
                    ? answer->json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                    : answer->text);
  return answer->exit_code;
}

int ask_daemon(const Arguments& arguments, std::vector<std::string> words,
               const std::function<std::string(const Json&)>& text) {
  const auto answer =
      ask(arguments.control, {{"words", std::move(words)}, {"options", arguments.options}});
  if (!answer) return complain(answer.error(), kUnavailable);
  if (arguments.json) std::cout << answer->dump(2) << "\n";
  if (answer->contains("error")) {
    for (const Json& mistake : answer->value("mistakes", Json::array()))
      std::fprintf(stderr, "%s\n", mistake.get<std::string>().c_str());
    return complain(answer->at("error").get<std::string>());
  }
  if (!arguments.json) std::cout << text(*answer);
  return 0;
}

void pass(CLI::App& command, Arguments& arguments, const std::string& flag, const char* help) {
  std::string key = flag.substr(2);
  std::ranges::replace(key, '-', '_');
  command.add_option_function<std::string>(
      flag, [&arguments, key](const std::string& text) { arguments.options[key] = text; }, help);
}

void pass_number(CLI::App& command, Arguments& arguments, const std::string& key,
                 const char* help) {
  command
      .add_option_function<std::uint32_t>(
          "--" + key, [&arguments, key](std::uint32_t number) { arguments.options[key] = number; },
          help)
      ->check(whole_number(1))
      ->type_name("NUMBER");
}

namespace {

/// Which messages and recipients; everything given must hold.
void add_selection(CLI::App& command, Arguments& arguments) {
  pass(command, arguments, "--sender", "Reverse-path; * matches anything");
  pass(command, arguments, "--recipient", "Address; * matches anything");
  pass(command, arguments, "--destination", "Destination; * matches anything");
  pass(command, arguments, "--state", "queued, active, delayed, held or failed");
  pass(command, arguments, "--reason", "These words occur in the reason; * matches anything");
  pass(command, arguments, "--older-than", "Arrived longer ago than, e.g. 4h or 2d");
  pass(command, arguments, "--younger-than", "Arrived since, e.g. 10m");
  pass(command, arguments, "--larger-than", "Message of more octets than, e.g. 1MiB");
  pass_number(command, arguments, "attempts", "At least so many attempts were made");
}

/// Write the octets of a message as they are, piece by piece.
int print_body(const Arguments& arguments) {
  for (std::uint64_t offset = 0;;) {
    const auto answer = ask(arguments.control, {{"words", {"queue", "body", arguments.id}},
                                                {"options", {{"offset", offset}}}});
    if (!answer) return complain(answer.error(), kUnavailable);
    if (answer->contains("error")) return complain(answer->at("error").get<std::string>());
    const auto octets = from_base64(answer->at("base64").get<std::string>());
    if (!octets) return complain("the daemon's answer made no sense");
    if (octets->empty()) return 0;
    std::cout.write(octets->data(), static_cast<std::streamsize>(octets->size()));
    offset += octets->size();
  }
}

/// Change what is selected, or each of the messages named; the worst exit code.
int change_each(const Arguments& arguments, const std::string& name) {
  const auto text = [&name](const Json& json) { return change_text(json, name); };
  if (arguments.ids.empty()) return ask_daemon(arguments, {"queue", name}, text);
  int worst = 0;
  for (const std::string& id : arguments.ids)
    worst = std::max(worst, ask_daemon(arguments, {"queue", name, id}, text));
  return worst;
}

/// A command that changes what is selected.
CLI::App* add_change(CLI::App& queue, Arguments& arguments, const std::string& name,
                     const char* help) {
  auto* change = queue.add_subcommand(name, help);
  change->add_option("id", arguments.ids, "Queue ids; or filters");
  add_selection(*change, arguments);
  change->callback([&arguments, name] { arguments.exit_code = change_each(arguments, name); });
  return change;
}

}  // namespace

void add_queue(CLI::App& app, Arguments& arguments) {
  auto* queue = app.add_subcommand("queue", "The messages in the queue")->require_subcommand(1);
  auto* list = queue->add_subcommand("list", "Each message, its recipients, why and what next");
  add_selection(*list, arguments);
  pass_number(*list, arguments, "limit", "At most so many messages, the oldest (1000)");
  list->callback([&] {
    arguments.exit_code = ask_daemon(arguments, {"queue", "list"}, [&](const Json& json) {
      return list_text(json, !arguments.options.empty());
    });
  });

  auto* count = queue->add_subcommand(
      "count", "Recipients by destination and state, the most first; takes the filters of list");
  add_selection(*count, arguments);
  pass(*count, arguments, "--by", "destination, sender or recipient: their domains");
  pass_number(*count, arguments, "limit", "At most so many groups (20)");
  count->add_flag("--ages", arguments.ages, "By time since arrival, as qshape does");
  count->callback([&] {
    arguments.exit_code = ask_daemon(arguments, {"queue", "count"}, [&](const Json& json) {
      return count_text(json, arguments.ages);
    });
  });

  auto* show = queue->add_subcommand("show", "One message with its header fields");
  show->add_option("id", arguments.id, "Queue id")->required();
  show->add_flag("--body", arguments.body, "The message as it is stored, and nothing else");
  show->callback([&] {
    arguments.exit_code =
        arguments.body ? print_body(arguments)
                       : ask_daemon(arguments, {"queue", "show", arguments.id}, message_text);
  });

  add_change(*queue, arguments, "retry", "Try delayed messages now");
  add_change(*queue, arguments, "hold", "Keep messages until they are released");
  add_change(*queue, arguments, "release", "Let held messages go");
  add_change(*queue, arguments, "remove", "Remove messages without a report");
  auto* bounce = add_change(*queue, arguments, "bounce", "Fail messages now, with a report");
  pass(*bounce, arguments, "--text", "Why, for the sender");
  auto* give_up = add_change(*queue, arguments, "give-up", "Give messages up earlier or later");
  auto* when = give_up->add_option_group("when")->require_option(1);
  pass(*when, arguments, "--after", "So long after arrival, e.g. 3d");
  pass(*when, arguments, "--in", "So long from now, e.g. 2h");
  pass(*when, arguments, "--at", "At this time in UTC, e.g. 2026-12-31T18:00:00Z");
}

void add_orders(CLI::App& app, Arguments& arguments) {
  auto* destination =
      app.add_subcommand("destination", "Suspend or resume a destination")->require_subcommand(1);
  auto* suspend = destination->add_subcommand(
      "suspend", "Begin no attempt there until it is resumed, restarts or not");
  suspend->add_option("name", arguments.key, "As in postrider destinations; * matches anything")
      ->required();
  pass(*suspend, arguments, "--text", "Why, for those who look");
  suspend->callback([&] {
    arguments.exit_code =
        ask_daemon(arguments, {"destination", "suspend", arguments.key}, orders_text);
  });
  auto* resume = destination->add_subcommand("resume", "Deliver there again");
  resume->add_option("name", arguments.key, "As it was suspended; * for all")->required();
  resume->callback([&] {
    arguments.exit_code =
        ask_daemon(arguments, {"destination", "resume", arguments.key}, orders_text);
  });

  auto* mode = app.add_subcommand("mode", "Whether mail is taken and tried; changes it with NAME");
  mode->add_option("name", arguments.key,
                   "inbound-outbound, inbound-only, outbound-only, none; configured: as "
                   "server.mode says. Holds over restarts");
  mode->callback([&] {
    std::vector<std::string> words{"mode"};
    if (!arguments.key.empty()) words.push_back(arguments.key);
    arguments.exit_code = ask_daemon(arguments, words, orders_text);
  });

  auto* drain = app.add_subcommand("drain", "Take no new mail (421), deliver what is queued");
  auto* stop = drain->add_flag_callback(
      "--stop", [&] { arguments.options["stop"] = true; }, "Then stop, when no mail waits");
  drain->add_flag("--cancel", arguments.cancel, "Take mail again")->excludes(stop);
  drain->callback([&] {
    std::vector<std::string> words{"drain"};
    if (arguments.cancel) words.emplace_back("cancel");
    arguments.exit_code = ask_daemon(arguments, words, drain_text);
  });
}

}  // namespace postrider::control
