// SPDX-License-Identifier: MIT
// postrider: the operator's tool. It asks the daemon over the control socket, or works alone
// (check, explain, send, probe, doctor). Text for people, --json for programs.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <thread>

#include <CLI/CLI.hpp>

#include "configuration.hpp"
#include "control/control_client.hpp"
#include "control/count_text.hpp"
#include "control/doctor.hpp"
#include "control/explain.hpp"
#include "control/probe_command.hpp"
#include "control/send.hpp"
#include "control/tool_text.hpp"
#include "control/trace.hpp"
#include "control/why_text.hpp"
#include "plugin/instance.hpp"

namespace {

using namespace postrider::control;

struct Arguments {
  std::string control = "/run/postrider/control.sock";
  bool json = false;
  bool flush = false;
  std::string id, hook, file, domain;
  Json options = Json::object();  ///< of the request: filters and the like
  bool ages = false;
  Sending sending;
  Explaining explaining;
  Probing probing;
  Examination examination;
  Tracing tracing;
};

constexpr int kRefused = 1;       // the daemon, or the server that `send` speaks to, said no
constexpr int kUsage = 64;        // sysexits.h: wrong arguments
constexpr int kUnavailable = 69;  // no daemon, no server
constexpr int kConfig = 78;       // `check` found mistakes

int complain(const std::string& text, int code = kRefused) {
  std::fprintf(stderr, "postrider: %s\n", text.c_str());
  return code;
}

/// Ask the daemon and print the answer; the exit code.
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

/// An option that the daemon reads, as text.
void pass(CLI::App& command, Arguments& arguments, const std::string& flag, const char* help) {
  std::string key = flag.substr(2);
  std::ranges::replace(key, '-', '_');
  command.add_option_function<std::string>(
      flag, [&arguments, key](const std::string& text) { arguments.options[key] = text; }, help);
}

void pass_number(CLI::App& command, Arguments& arguments, const std::string& key,
                 const char* help) {
  command.add_option_function<std::uint32_t>(
      "--" + key, [&arguments, key](std::uint32_t number) { arguments.options[key] = number; },
      help);
}

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

int exit_code = 0;

void add_queue(CLI::App& app, Arguments& arguments) {
  auto* queue = app.add_subcommand("queue", "The messages in the queue")->require_subcommand(1);
  auto* list = queue->add_subcommand("list", "Each message, its recipients, why and what next");
  add_selection(*list, arguments);
  pass_number(*list, arguments, "limit", "At most so many messages, the oldest (1000)");
  list->callback([&] {
    exit_code = ask_daemon(arguments, {"queue", "list"}, [&](const Json& json) {
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
    exit_code = ask_daemon(arguments, {"queue", "count"},
                           [&](const Json& json) { return count_text(json, arguments.ages); });
  });

  auto* show = queue->add_subcommand("show", "One message with its header fields");
  show->add_option("id", arguments.id, "Queue id")->required();
  show->callback(
      [&] { exit_code = ask_daemon(arguments, {"queue", "show", arguments.id}, message_text); });

  const std::pair<const char*, const char*> changes[] = {
      {"retry", "Try delayed messages now"},
      {"hold", "Keep messages until they are released"},
      {"release", "Let held messages go"},
      {"remove", "Remove messages without a report"}};
  for (const auto& [name, help] : changes) {
    auto* change = queue->add_subcommand(name, help);
    change->add_option("id", arguments.id, "Queue id");
    add_selection(*change, arguments);
    change->callback([&arguments, word = std::string(name)] {
      std::vector<std::string> words{"queue", word};
      if (!arguments.id.empty()) words.push_back(arguments.id);
      exit_code = ask_daemon(arguments, words,
                             [&word](const Json& json) { return change_text(json, word); });
    });
  }
}

std::vector<std::string> hook_names() {
  std::vector<std::string> names;
  for (std::size_t kind = 0; kind < postrider::plugin::kHookKinds; ++kind)
    names.emplace_back(hook_name(static_cast<postrider::plugin::HookKind>(kind)));
  return names;
}

void add_routes(CLI::App& app, Arguments& arguments) {
  auto* routes = app.add_subcommand("routes", "The routes that the plugin route_cache keeps");
  routes->add_option("domain", arguments.domain, "Only this domain or smart host");
  routes->add_flag("--flush", arguments.flush, "Forget them: the next delivery asks DNS");
  routes->callback([&] {
    std::vector<std::string> words{"routes"};
    if (arguments.flush) words.emplace_back("--flush");
    if (!arguments.domain.empty()) words.push_back(arguments.domain);
    exit_code = ask_daemon(arguments, words,
                           [&](const Json& json) { return routes_text(json, arguments.domain); });
  });
}

/// Print what is new, for ever: until the daemon or the operator ends it.
int follow_trace(const Arguments& arguments) {
  constexpr auto kPoll = std::chrono::milliseconds(300);
  std::string cursors;
  for (;; std::this_thread::sleep_for(kPoll)) {
    const auto words = trace_words(arguments.tracing, cursors);
    const auto answer = ask(arguments.control, {{"words", words}});
    if (!answer) return complain(answer.error());
    if (answer->contains("error")) return complain(answer->at("error").get<std::string>());
    cursors = next_cursors(*answer);
    if (arguments.json)
      for (const Json& line : answer->at("lines")) std::cout << line.dump() << "\n";
    else
      std::cout << trace_text(*answer);
    std::cout.flush();
    if (!std::cout) return 0;
  }
}

void add_trace(CLI::App& app, Arguments& arguments) {
  Tracing& tracing = arguments.tracing;
  auto* trace = app.add_subcommand("trace", "Sessions and attempts that protocol_log remembers");
  trace->add_option("id", tracing.id, "The whole transcript of this one");
  trace->add_option("--message", tracing.message, "What is recorded about this queue id");
  trace->add_flag("--follow", tracing.follow, "Print lines as they come");
  trace->add_option("--direction", tracing.direction, "in or out");
  trace->add_option("--network", tracing.networks, "Remotes in this network");
  trace->add_option("--host", tracing.hosts, "Next hop, HELO or reverse name; *.example.org");
  trace->add_option("--sender", tracing.senders, "A sender in this domain; *.example.org");
  trace->add_option("--recipient", tracing.recipients, "A recipient in this domain");
  trace->callback([&] {
    const bool follows = tracing.follow && tracing.id.empty() && tracing.message.empty();
    exit_code = follows ? follow_trace(arguments)
                        : ask_daemon(arguments, trace_words(tracing, ""), trace_text);
  });
}

void add_daemon(CLI::App& app, Arguments& arguments) {
  app.add_subcommand("status", "How the daemon fares")->callback([&] {
    exit_code = ask_daemon(arguments, {"status"}, status_text);
  });
  auto* why = app.add_subcommand("why", "Why a message is where it is, and what happens next");
  why->add_option("id", arguments.id, "Queue id")->required();
  why->callback([&] { exit_code = ask_daemon(arguments, {"why", arguments.id}, why_text); });
  app.add_subcommand("destinations", "Where mail waits")->callback([&] {
    exit_code = ask_daemon(arguments, {"destinations"}, destinations_text);
  });
  auto* plugins = app.add_subcommand("plugins", "The plugins, their hooks, order and cost");
  plugins->add_option("--order", arguments.hook, "Only the chain of this hook, e.g. rcpt")
      ->check(CLI::IsMember(hook_names()));
  plugins->callback([&] {
    exit_code = ask_daemon(arguments, {"plugins"},
                           [&](const Json& json) { return plugins_text(json, arguments.hook); });
  });
  app.add_subcommand("reload", "Read the configuration again")->callback([&] {
    exit_code = ask_daemon(arguments, {"reload"}, reload_text);
  });
  app.add_subcommand("stop", "Finish what is under way, then stop")->callback([&] {
    exit_code = ask_daemon(arguments, {"stop"}, stop_text);
  });
}

int check(const Arguments& arguments) {
  const auto loaded = postrider::load_configuration(arguments.file);
  if (loaded) {
    std::cout << arguments.file << ": ok\n";
    return 0;
  }
  for (const std::string& mistake : loaded.error()) std::cerr << mistake << "\n";
  return kConfig;
}

int explain(const Arguments& arguments) {
  const auto text = postrider::control::explain(arguments.explaining);
  if (!text) return complain(text.error(), kUsage);
  std::cout << *text;
  return 0;
}

int send_message(Arguments& arguments) {
  arguments.sending.message.assign(std::istreambuf_iterator<char>(std::cin), {});
  const auto reply = send(arguments.sending);
  if (!reply) return complain(reply.error());
  std::cout << *reply << "\n";
  return 0;
}

/// Print what a command that works alone found; the exit code tells too.
int tell(const Arguments& arguments, const std::expected<Answer, std::string>& answer) {
  if (!answer) return complain(answer.error(), kUsage);
  std::cout << (arguments.json
                    ? answer->json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"
                    : answer->text);
  return answer->exit_code;
}

void add_probe(CLI::App& app, Arguments& arguments) {
  auto* probed = app.add_subcommand(
      "probe",
      "Time lookup, connect, banner and EHLO of a server; exit code 0 fine, 1 slow or odd, "
      "2 not usable");
  Probing& probing = arguments.probing;
  probed->add_option("target", probing.target, "HOST[:PORT]; port 25 if not given")->required();
  probed
      ->add_option("--dns", probing.servers, "Name server; may be repeated (default: resolv.conf)")
      ->allow_extra_args(false);
  probed->add_option("--timeout", probing.timeout, "For each phase")->capture_default_str();
  probed->add_option("--slow", probing.slow, "A phase this long is slow")->capture_default_str();
  probed->add_option("--hello", probing.hello, "Our name after EHLO (default: this machine's)");
  probed->callback([&] { exit_code = tell(arguments, run_probe(arguments.probing)); });
}

void add_doctor(CLI::App& app, Arguments& arguments) {
  auto* doctor = app.add_subcommand(
      "doctor",
      "Examine our names in DNS, listeners, relay rules and spool; exit code 0 ok, "
      "1 warnings, 2 something is wrong");
  Examination& examination = arguments.examination;
  doctor->add_option("domain", examination.domain, "Mail domain (default: that of our host name)");
  doctor->add_option("--config", examination.file, "Configuration file")->capture_default_str();
  doctor
      ->add_option("--public", examination.public_addresses,
                   "Public address that NAT gives this host; may be repeated")
      ->allow_extra_args(false);
  doctor->callback([&] { exit_code = tell(arguments, run_doctor(arguments.examination)); });
}

void add_alone(CLI::App& app, Arguments& arguments) {
  auto* checked = app.add_subcommand("check", "Read a configuration, say every mistake");
  checked->add_option("file", arguments.file, "Configuration file")->required();
  checked->callback([&] { exit_code = check(arguments); });

  auto* explained = app.add_subcommand("explain", "What a configuration key means");
  explained
      ->add_option("key", arguments.explaining.key, "For example smtp.max_line or ndr.postmaster")
      ->required();
  explained->add_option("--config", arguments.explaining.file, "Says where the plugins are")
      ->capture_default_str();
  explained->callback([&] { exit_code = explain(arguments); });

  auto* sent = app.add_subcommand("send", "Send the message on standard input by SMTP");
  sent->add_option("--server", arguments.sending.server, "Address and port")
      ->capture_default_str()
      ->default_val("127.0.0.1:25");
  sent->add_option("--from", arguments.sending.from, "Reverse-path");
  sent->add_option("--to", arguments.sending.to, "Recipient; may be repeated")->required();
  sent->callback([&] { exit_code = send_message(arguments); });
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  CLI::App app{"postrider: ask and steer the Postrider mail transfer agent"};
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--control", arguments.control, "The daemon's control socket")
      ->envname("POSTRIDER_CONTROL")
      ->capture_default_str();
  app.add_flag("--json", arguments.json, "Answer in JSON");
  add_daemon(app, arguments);
  add_queue(app, arguments);
  add_routes(app, arguments);
  add_trace(app, arguments);
  add_alone(app, arguments);
  add_probe(app, arguments);
  add_doctor(app, arguments);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {  // --help too
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  return exit_code;
}
