// SPDX-License-Identifier: MIT
// postrider: the operator's tool. It asks the daemon over the control socket, or works alone
// (check, explain, send, probe, doctor, spool). Text for people, --json for programs.
#include <chrono>
#include <cstdio>
#include <iostream>
#include <iterator>
#include <thread>

#include "configuration.hpp"
#include "control/control_client.hpp"
#include "control/explain.hpp"
#include "control/misuse.hpp"
#include "control/tool.hpp"
#include "control/tool_text.hpp"
#include "control/why_text.hpp"
#include "plugin/instance.hpp"

namespace {

using namespace postrider::control;

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
    arguments.exit_code = ask_daemon(
        arguments, words, [&](const Json& json) { return routes_text(json, arguments.domain); });
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
  trace->add_option("--direction", tracing.direction, "in or out")
      ->check(CLI::IsMember(std::vector<std::string>{"in", "out"}));
  trace->add_option("--network", tracing.networks, "Remotes in this network");
  trace->add_option("--host", tracing.hosts, "Next hop, HELO or reverse name; *.example.org");
  trace->add_option("--sender", tracing.senders, "A sender in this domain; *.example.org");
  trace->add_option("--recipient", tracing.recipients, "A recipient in this domain");
  trace->callback([&] {
    const bool follows = tracing.follow && tracing.id.empty() && tracing.message.empty();
    arguments.exit_code = follows ? follow_trace(arguments)
                                  : ask_daemon(arguments, trace_words(tracing, ""), trace_text);
  });
}

void add_daemon(CLI::App& app, Arguments& arguments) {
  app.add_subcommand("status", "How the daemon fares")->callback([&] {
    arguments.exit_code = ask_daemon(arguments, {"status"}, status_text);
  });
  auto* why = app.add_subcommand("why", "Why a message is where it is, and what happens next");
  why->add_option("id", arguments.id, "Queue id")->required();
  why->callback(
      [&] { arguments.exit_code = ask_daemon(arguments, {"why", arguments.id}, why_text); });
  auto* destinations = app.add_subcommand("destinations", "Where mail waits, the most first");
  destinations->add_option("name", arguments.key,
                           "Only these, with their limits; * matches anything");
  pass_number(*destinations, arguments, "limit", "At most so many (1000)");
  destinations->callback([&] {
    std::vector<std::string> words{"destinations"};
    if (!arguments.key.empty()) words.push_back(arguments.key);
    arguments.exit_code = ask_daemon(
        arguments, words, [&](const Json& json) { return destinations_text(json, arguments.key); });
  });
  auto* plugins = app.add_subcommand("plugins", "The plugins, their hooks, order and cost");
  plugins->add_option("--order", arguments.hook, "Only the chain of this hook, e.g. rcpt")
      ->check(CLI::IsMember(hook_names()));
  plugins->callback([&] {
    arguments.exit_code = ask_daemon(arguments, {"plugins"}, [&](const Json& json) {
      return plugins_text(json, arguments.hook);
    });
  });
  app.add_subcommand("reload", "Read the configuration again")->callback([&] {
    arguments.exit_code = ask_daemon(arguments, {"reload"}, reload_text);
  });
  app.add_subcommand("stop", "Finish what is under way, then stop")->callback([&] {
    arguments.exit_code = ask_daemon(arguments, {"stop"}, stop_text);
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

int exit_code(SendFailure failure) {
  if (failure == SendFailure::no_address) return kUsage;
  return failure == SendFailure::unreachable ? kUnavailable : kRefused;
}

int send_message(Arguments& arguments) {
  arguments.sending.message.assign(std::istreambuf_iterator<char>(std::cin), {});
  const auto reply = send(arguments.sending);
  if (!reply) return complain(reply.error().text, exit_code(reply.error().kind));
  std::cout << *reply << "\n";
  return 0;
}

void add_probe(CLI::App& app, Arguments& arguments) {
  auto* probed = app.add_subcommand("probe",
                                    "Time lookup, connect, banner, EHLO and STARTTLS of a server; "
                                    "exit code 0 fine, 1 slow or odd, "
                                    "2 not usable");
  Probing& probing = arguments.probing;
  probed->add_option("target", probing.target, "HOST[:PORT]; port 25 if not given")->required();
  probed
      ->add_option("--dns", probing.servers, "Name server; may be repeated (default: resolv.conf)")
      ->allow_extra_args(false);
  probed->add_option("--timeout", probing.timeout, "For each phase")->capture_default_str();
  probed->add_option("--slow", probing.slow, "A phase this long is slow")->capture_default_str();
  probed->add_option("--hello", probing.hello, "Our name after EHLO (default: this machine's)");
  probed->callback([&] { arguments.exit_code = tell(arguments, run_probe(arguments.probing)); });
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
  doctor->callback(
      [&] { arguments.exit_code = tell(arguments, run_doctor(arguments.examination)); });
}

void add_alone(CLI::App& app, Arguments& arguments) {
  auto* checked = app.add_subcommand("check", "Read a configuration, say every mistake");
  checked->add_option("file", arguments.file, "Configuration file")->required();
  checked->callback([&] { arguments.exit_code = check(arguments); });

  auto* explained = app.add_subcommand("explain", "What a configuration key means");
  explained
      ->add_option("key", arguments.explaining.key, "For example smtp.max_line or ndr.postmaster")
      ->required();
  explained->add_option("--config", arguments.explaining.file, "Says where the plugins are")
      ->capture_default_str();
  explained->callback([&] { arguments.exit_code = explain(arguments); });

  auto* sent = app.add_subcommand("send", "Send the message on standard input by SMTP");
  sent->add_option("--server", arguments.sending.server, "Address and port")
      ->capture_default_str()
      ->default_val("127.0.0.1:25");
  sent->add_option("--from", arguments.sending.from, "Reverse-path");
  sent->add_option("--to", arguments.sending.to, "Recipient; may be repeated")->required();
  sent->callback([&] { arguments.exit_code = send_message(arguments); });
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  CLI::App app{"postrider: ask and steer the Postrider mail transfer agent"};
  app.name("postrider");
  app.set_version_flag("--version", "postrider " POSTRIDER_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--control", arguments.control, "The daemon's control socket")
      ->envname("POSTRIDER_CONTROL")
      ->capture_default_str();
  app.add_flag("--json", arguments.json, "Answer in JSON");
  add_daemon(app, arguments);
  add_queue(app, arguments);
  add_orders(app, arguments);
  add_routes(app, arguments);
  add_trace(app, arguments);
  add_alone(app, arguments);
  add_probe(app, arguments);
  add_doctor(app, arguments);
  add_spool(app, arguments);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {  // --help and --version too
    return end_of_parsing(app, error);
  }
  return arguments.exit_code;
}
