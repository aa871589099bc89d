// SPDX-License-Identifier: MIT
#include "configuration.hpp"

#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include <postrider/path.hpp>

#include "config/diagnostic.hpp"

namespace postrider {

namespace {

std::vector<plugin::Block> blocks_of(const config::Settings& settings) {
  std::vector<plugin::Block> blocks;
  for (const config::Plugin& block : settings.plugin) {
    const auto policy = [](config::FailurePolicy from) {
      return from == config::FailurePolicy::pass     ? plugin::FailurePolicy::pass
             : from == config::FailurePolicy::reject ? plugin::FailurePolicy::reject
                                                     : plugin::FailurePolicy::defer;
    };
    blocks.push_back({.use = block.use,
                      .id = block.id,
                      .enabled = block.enabled,
                      .on_error = policy(block.on_error),
                      .on_timeout = policy(block.on_timeout),
                      .hook_timeout = block.hook_timeout,
                      .mode = block.mode == config::PluginMode::shadow ? plugin::Mode::shadow
                                                                       : plugin::Mode::active,
                      .settings = block.own,
                      .place = block.own.place});
  }
  return blocks;
}

receive::Options receive_options(const config::Settings& settings) {
  const config::Smtp& smtp = settings.smtp;
  return {.hostname = settings.hostname,
          .banner = smtp.banner,
          .max_message_size = smtp.max_message_size.octets,
          .max_line = static_cast<std::size_t>(smtp.max_line),
          .max_data_line = static_cast<std::size_t>(smtp.max_data_line),
          .max_header_size = smtp.max_header_size.octets,
          .memory = smtp.memory.octets,
          .max_recipients = static_cast<std::size_t>(smtp.max_recipients),
          .max_errors = static_cast<unsigned>(smtp.max_errors),
          .max_received = static_cast<unsigned>(smtp.max_received),
          .max_sessions = static_cast<std::size_t>(smtp.max_sessions),
          .max_sessions_per_client = static_cast<std::size_t>(smtp.max_sessions_per_client),
          .command_timeout = smtp.command_timeout,
          .data_timeout = smtp.data_timeout,
          .min_data_rate = smtp.min_data_rate.octets,
          .session_timeout = smtp.session_timeout,
          .slow_banner = smtp.slow_banner};
}

/// Of [deliver] or of a [[destination]] block.
queue::ConnectionLimits connection_limits(const auto& from) {
  return {.connect = from.connect_timeout,
          .greeting = from.greeting_timeout,
          .hello = from.helo_timeout,
          .mail = from.mail_timeout,
          .rcpt = from.rcpt_timeout,
          .data_init = from.data_init_timeout,
          .data_block = from.data_block_timeout,
          .data_end = from.data_end_timeout,
          .quit = from.quit_timeout,
          .idle_connection = from.idle_connection,
          .max_messages = static_cast<std::size_t>(from.max_messages_per_connection)};
}

queue::Rate rate_of(const config::Rate& from) {
  return {static_cast<unsigned>(from.count), from.period};
}

deliver::Options deliver_options(const config::Settings& settings) {
  const config::Deliver& from = settings.deliver;
  deliver::Options options;
  options.helo = settings.hostname;
  options.limits = connection_limits(from);
  if (options.limits.max_messages == 0) options.limits.max_messages = SIZE_MAX;
  options.route.port = static_cast<std::uint16_t>(from.port);
  options.route.own_names = {lower(settings.hostname)};
  options.route.seed = std::random_device{}();
  return options;
}

queue::DestinationRulesPtr destination_rules(const config::Settings& settings) {
  std::vector<queue::DestinationRule> rules;
  for (const config::Destination& from : settings.destination) {
    queue::DestinationRule& rule = rules.emplace_back();
    rule.origin = "[[destination]] " + std::to_string(rules.size());
    rule.match = from.match;
    rule.max_connections = static_cast<unsigned>(from.max_connections);
    rule.initial_connections = static_cast<unsigned>(from.initial_connections);
    rule.max_rate = rate_of(from.max_rate);
    rule.max_connection_rate = rate_of(from.max_connection_rate);
    rule.retry = from.retry;
    rule.back_off = from.back_off;
    rule.give_up = from.give_up;
    rule.connection = connection_limits(from);
  }
  return std::make_shared<const queue::DestinationRules>(std::move(rules));
}

std::shared_ptr<const receive::RelayPolicy> relay_policy(const config::Settings& settings) {
  std::vector<Network> networks;
  for (const std::string& text : settings.relay.networks)
    networks.push_back(Network::parse(text).value());
  return std::make_shared<receive::RelayPolicy>(std::move(networks), settings.relay.domains,
                                                settings.local.domains);
}

std::vector<receive::Endpoint> endpoints_of(const config::Settings& settings) {
  std::vector<receive::Endpoint> endpoints;
  for (const config::Listen& listen : settings.listen)
    endpoints.push_back({.address = SocketAddress::parse(listen.address).value(),
                         .lmtp = listen.protocol == config::Protocol::lmtp});
  return endpoints;
}

std::vector<std::string> texts_of(std::vector<config::Diagnostic> diagnostics) {
  config::sort_by_place(diagnostics);
  std::vector<std::string> texts;
  for (const config::Diagnostic& diagnostic : diagnostics) texts.push_back(diagnostic.text());
  return texts;
}

std::string resolv_conf() {
  std::ifstream file("/etc/resolv.conf");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

queue::QueueOptions Configuration::queue_options(unsigned loop) const {
  const config::Queue& queue = settings.queue;
  queue::QueueOptions options;
  options.hostname = settings.hostname;
  options.retry = queue.retry;
  options.retry_jitter = static_cast<unsigned>(queue.retry_jitter);
  options.give_up = queue.give_up;
  options.attempt_limit = queue.attempt_limit;
  options.commit_timeout = queue.commit_timeout;
  options.scheduler.concurrency.initial = static_cast<unsigned>(queue.initial_concurrency);
  options.scheduler.concurrency.max = static_cast<unsigned>(queue.max_concurrency);
  options.scheduler.jitter_percent = options.retry_jitter;
  options.seed = std::random_device{}() + loop;
  options.scheduler.seed = options.seed;
  options.scheduler.rules = rules;
  return options;
}

dns::ResolverOptions Configuration::resolver_options() const {
  dns::ResolverOptions options;
  for (const std::string& server : settings.dns.servers)
    options.servers.push_back(SocketAddress::parse(server).value());
  if (options.servers.empty()) options.servers = dns::servers_from_resolv_conf(resolv_conf());
  options.attempt_timeout = settings.dns.attempt_timeout;
  options.attempts = static_cast<unsigned>(settings.dns.attempts);
  return options;
}

LogLevel Configuration::log_level() const noexcept {
  return static_cast<LogLevel>(settings.log.level);
}

unsigned Configuration::loops() const noexcept {
  if (settings.server.loops.count) return static_cast<unsigned>(*settings.server.loops.count);
  return std::max(1U, std::thread::hardware_concurrency());
}

std::expected<ConfigurationPtr, std::vector<std::string>> load_configuration(
    const std::string& file) {
  return make_configuration(config::load(file), file);
}

std::expected<ConfigurationPtr, std::vector<std::string>> make_configuration(
    config::Loaded loaded, const std::string& file) {
  auto configuration = std::make_shared<Configuration>();
  configuration->file = file;
  configuration->settings = std::move(loaded.settings);
  const config::Settings& settings = configuration->settings;
  auto plugins = plugin::prepare_plugins(blocks_of(settings), settings.server.plugin_path);
  if (plugins) {
    configuration->plugins = std::move(*plugins);
  } else {
    for (Problem& problem : plugins.error())
      loaded.diagnostics.push_back({file, std::move(problem)});
  }
  if (!loaded.diagnostics.empty()) return std::unexpected(texts_of(std::move(loaded.diagnostics)));

  configuration->receive = std::make_shared<receive::Options>(receive_options(settings));
  configuration->policy = relay_policy(settings);
  configuration->deliver = deliver_options(settings);
  configuration->rules = destination_rules(settings);
  configuration->deliver.rules = configuration->rules;
  configuration->endpoints = endpoints_of(settings);
  return configuration;
}

std::vector<std::string> needs_restart(const config::Settings& before,
                                       const config::Settings& after) {
  std::vector<std::string> changed;
  config::Server server = before.server;
  server.mode = after.server.mode;  // in force at once
  if (server != after.server) changed.push_back("server");
  if (before.log.file != after.log.file) changed.push_back("log.file");
  if (before.listen != after.listen) changed.push_back("listen");
  if (before.queue != after.queue) changed.push_back("queue");
  if (before.dns != after.dns) changed.push_back("dns");
  return changed;
}

}  // namespace postrider
