// SPDX-License-Identifier: MIT
// The schema of the core's settings: every key with its help and range. The default file and the
// reference page are generated from here.
#include "config/settings.hpp"

#include <array>
#include <charconv>

#include <fmt/format.h>

namespace postrider::config {
namespace {

using Check = std::optional<std::string>;

Check check_network(std::string_view text) {
  const auto network = Network::parse(text);
  if (network) return std::nullopt;
  return setting::quoted(text) + " is not a network: " + network.error() +
         "; write for example \"192.0.2.0/24\"";
}

Check check_socket_address(std::string_view text) {
  if (SocketAddress::parse(text)) return std::nullopt;
  return setting::quoted(text) +
         " is not an address with a port; write for example \"127.0.0.1:2525\" or \"[::]:25\"";
}

// Letters, digits, '-' and '_' in labels of 1 to 63, or anything beyond ASCII (IDNA is later).
bool is_domain(std::string_view text) {
  std::size_t label = 0;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || static_cast<unsigned char>(c) >= 0x80;
    if (c == '.' ? label == 0 : !plain || label == 63) return false;
    label = c == '.' ? 0 : label + 1;
  }
  return label > 0 && text.size() <= 253;
}

Check check_domain_pattern(std::string_view text) {
  std::string_view name = text;
  if (name.starts_with("*."))
    name.remove_prefix(2);
  else if (name.starts_with('.'))
    name.remove_prefix(1);
  if (is_domain(name)) return std::nullopt;
  return setting::quoted(text) +
         " is not a domain; write \"example.org\", or \".example.org\" for its subdomains";
}

Check check_hostname(std::string_view text) {
  if (text.empty() || is_domain(text)) return std::nullopt;
  return setting::quoted(text) + " is not a host name; write for example \"mail.example.org\"";
}

Check check_printable(std::string_view text) {
  for (const char c : text)
    if (c < 0x20 || c > 0x7e)
      return std::string("may hold printable ASCII only; it is sent before any negotiation");
  if (text.size() <= 200) return std::nullopt;
  return std::string("is longer than 200 characters; a reply line has 512 octets at most");
}

Check check_not_empty(std::string_view text) {
  if (!text.empty()) return std::nullopt;
  return std::string("is empty; write a path, or leave the key out");
}

}  // namespace

std::expected<Loops, std::string> parse_setting(std::string_view text, Loops*) {
  if (text == "auto") return Loops{};
  int count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (whole && count >= 1 && count <= 256) return Loops{count};
  return std::unexpected(setting::quoted(text) +
                         " is not a number of loops; write \"auto\" or a number from 1 to 256");
}

std::string format_setting(const Loops& loops) {
  return loops.count ? std::to_string(*loops.count) : "auto";
}

std::expected<Rate, std::string> parse_setting(std::string_view text, Rate*) {
  if (text.empty()) return Rate{};
  static constexpr std::array<std::pair<std::string_view, Duration>, 4> kPeriods{
      {{"/s", 1s}, {"/min", 1min}, {"/h", 1h}, {"/d", 24h}}};
  for (const auto& [ending, period] : kPeriods) {
    if (!text.ends_with(ending)) continue;
    const std::string_view digits = text.substr(0, text.size() - ending.size());
    int count = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    if (whole && count >= 1 && count <= 1'000'000) return Rate{count, period};
  }
  return std::unexpected(setting::quoted(text) +
                         " is not a rate; write a number from 1 to 1000000 and \"/s\", \"/min\", "
                         "\"/h\" or \"/d\", for example \"100/min\"");
}

std::string format_setting(const Rate& rate) {
  if (rate.count == 0) return "";
  const std::string_view ending = rate.period == 1s     ? "/s"
                                  : rate.period == 1min ? "/min"
                                  : rate.period == 1h   ? "/h"
                                                        : "/d";
  return std::to_string(rate.count) + std::string(ending);
}

void Server::describe(Schema<Server>& schema) {
  schema.field("loops", &Server::loops, "Event loops, one thread each; \"auto\" is one per core");
  schema.field("spool", &Server::spool, "Folder of the queue").check(check_not_empty);
  schema.field("store", &Server::store, "Where the queue lives: \"memory\" loses mail at a restart")
      .choices({{"log", StoreKind::log}, {"memory", StoreKind::memory}});
  schema
      .field("mode", &Server::mode,
             "Take mail and deliver it, only one of both, or neither; what was taken stays queued")
      .choices({{"inbound-outbound", Mode::inbound_outbound},
                {"inbound-only", Mode::inbound_only},
                {"outbound-only", Mode::outbound_only},
                {"none", Mode::none}});
  schema
      .field("segment_size", &Server::segment_size,
             "Octets of a file of the queue's log; four and more are kept ready")
      .between(1_MiB, 1_GiB);
  schema.field("control", &Server::control, "Unix socket of the postrider tool")
      .check(check_not_empty);
  schema
      .field("plugin_path", &Server::plugin_path,
             "Folders searched for plugins; empty means the installation's own")
      .check(check_not_empty);
  schema
      .field("drain_timeout", &Server::drain_timeout,
             "Time that open sessions and deliveries have to finish at a stop")
      .between(0s, 1h);
  schema
      .field("stall_limit", &Server::stall_limit,
             "An event loop that stands still for so long ends the daemon, to be started again")
      .between(10s, 24h);
  schema.field("user", &Server::user,
               "User to become at the start, keeping the right to open low ports; empty: stay");
  schema.field("group", &Server::group, "Group to become; empty: the user's own");
}

void Log::describe(Schema<Log>& schema) {
  schema.field("level", &Log::level, "The least important lines that are written")
      .choices({{"debug", LogLevel::debug},
                {"info", LogLevel::info},
                {"warning", LogLevel::warning},
                {"error", LogLevel::error}});
  schema.field("file", &Log::file, "File to append to; empty is standard error");
}

void Listen::describe(Schema<Listen>& schema) {
  schema.field("address", &Listen::address, "Address and port to accept mail on")
      .check(check_socket_address);
  schema.field("protocol", &Listen::protocol, "SMTP (RFC 5321) or LMTP (RFC 2033)")
      .choices({{"smtp", Protocol::smtp}, {"lmtp", Protocol::lmtp}});
}

void Smtp::describe(Schema<Smtp>& schema) {
  schema.field("banner", &Smtp::banner, "Text of the greeting after the host name")
      .check(check_printable);
  schema.field("max_message_size", &Smtp::max_message_size, "Largest message, as SIZE announces it")
      .between(64_KiB, 2_GiB);
  schema.field("max_line", &Smtp::max_line, "Octets of a command line").between(512, 65536);
  schema.field("max_data_line", &Smtp::max_data_line, "Octets of a line in a message")
      .between(1000, 16 << 20);
  schema.field("max_recipients", &Smtp::max_recipients, "Recipients of one transaction")
      .between(100, 100'000);
  schema.field("max_errors", &Smtp::max_errors, "Refused commands before the session ends with 421")
      .between(1, 1000);
  schema.field("max_sessions", &Smtp::max_sessions, "Sessions at a time, in all")
      .between(1, 1'000'000);
  schema
      .field("max_sessions_per_client", &Smtp::max_sessions_per_client,
             "Sessions at a time from one address")
      .between(1, 1'000'000);
  schema
      .field("max_received", &Smtp::max_received,
             "Received fields at which a message is refused as looping")
      .between(10, 1000);
  schema.field("max_header_size", &Smtp::max_header_size, "Octets of the header of a message")
      .between(16_KiB, 64_MiB);
  schema
      .field("memory", &Smtp::memory,
             "Budget for messages that come in and are not on disk; beyond it they are written to "
             "files as they come")
      .between(0_B, 64_GiB);
  schema
      .field("command_timeout", &Smtp::command_timeout,
             "Time for the next command, to its last octet")
      .between(1s, 1h);
  schema.field("data_timeout", &Smtp::data_timeout, "Time to wait for more of a message")
      .between(1s, 1h);
  schema
      .field("min_data_rate", &Smtp::min_data_rate,
             "Octets a second at which a message must come; data_timeout is added once; 0: at any "
             "rate")
      .between(0_B, 1_MiB);
  schema.field("session_timeout", &Smtp::session_timeout, "Time for a whole session, mail or not")
      .between(1min, 24h);
  schema
      .field("slow_banner", &Smtp::slow_banner,
             "A greeting that takes longer is logged as a warning, with the reason")
      .between(1ms, 1h);
}

void Relay::describe(Schema<Relay>& schema) {
  schema
      .field("networks", &Relay::networks,
             "Client networks that may send to any domain; empty: nobody may")
      .check(check_network);
  schema
      .field("domains", &Relay::domains,
             "Domains accepted from anybody and passed on; \".example.org\": its subdomains")
      .check(check_domain_pattern);
}

void Local::describe(Schema<Local>& schema) {
  schema.field("domains", &Local::domains, "Domains whose mail is delivered here")
      .check(check_domain_pattern);
}

void Queue::describe(Schema<Queue>& schema) {
  schema.field("retry", &Queue::retry, "Waits between attempts; the last one repeats")
      .between(1s, 24h * 7);
  schema.field("retry_jitter", &Queue::retry_jitter, "Percent by which a wait varies at random")
      .between(0, 50);
  schema.field("give_up", &Queue::give_up, "Age at which undelivered mail is returned")
      .between(1min, 24h * 30);
  schema
      .field(
          "attempt_limit", &Queue::attempt_limit,
          "Time for one attempt of a message at a destination; then its connection is closed and "
          "what has no outcome is delayed")
      .between(1min, 24h);
  schema
      .field("memory", &Queue::memory,
             "Budget for messages kept in memory until their first attempt")
      .between(0_B, 64_GiB);
  schema
      .field("commit_timeout", &Queue::commit_timeout,
             "Time a message may take to reach the disk; then the client is told 451")
      .between(1s, 9min);
  schema.field("max_concurrency", &Queue::max_concurrency, "Connections to one destination")
      .between(1, 1000);
  schema
      .field("initial_concurrency", &Queue::initial_concurrency,
             "Connections to a destination that is not known yet")
      .between(1, 1000);
  schema.together({"retry"}, [](const Queue& queue) -> std::optional<std::string> {
    if (!queue.retry.empty()) return std::nullopt;
    return "is empty; write at least one wait, as in [\"30m\"]";
  });
  schema.together({"initial_concurrency", "max_concurrency"},
                  [](const Queue& queue) -> std::optional<std::string> {
                    const int most = queue.max_concurrency;
                    if (queue.initial_concurrency <= most) return std::nullopt;
                    return fmt::format("{} is more than max_concurrency; write {} or less",
                                       queue.initial_concurrency, most);
                  });
}

void Dns::describe(Schema<Dns>& schema) {
  schema.field("servers", &Dns::servers, "Name servers with port; empty: those of resolv.conf")
      .check(check_socket_address);
  schema.field("attempt_timeout", &Dns::attempt_timeout, "Time for one question to one server")
      .between(100ms, 30s);
  schema.field("attempts", &Dns::attempts, "Questions before the answer is: temporary failure")
      .between(1, 10);
}

void Deliver::describe(Schema<Deliver>& schema) {
  const auto time = [&](std::string_view key, Duration Deliver::* member, std::string_view help) {
    schema.field(key, member, help).between(100ms, 1h);
  };
  schema.field("port", &Deliver::port, "Port of MX hosts; other than 25 only for tests")
      .between(1, 65535);
  schema.field("ipv6", &Deliver::ipv6, "Use IPv6: \"auto\" if this machine has an IPv6 address")
      .choices({{"auto", Ipv6::automatic}, {"on", Ipv6::on}, {"off", Ipv6::off}});
  time("connect_timeout", &Deliver::connect_timeout, "Time to connect to one address");
  time("greeting_timeout", &Deliver::greeting_timeout, "Time for the greeting (4.5.3.2.1)");
  time("helo_timeout", &Deliver::helo_timeout, "Time for the reply to EHLO or HELO");
  time("mail_timeout", &Deliver::mail_timeout, "Time for the reply to MAIL (4.5.3.2.2)");
  time("rcpt_timeout", &Deliver::rcpt_timeout, "Time for the reply to RCPT (4.5.3.2.3)");
  time("data_init_timeout", &Deliver::data_init_timeout, "Time for the reply to DATA (4.5.3.2.4)");
  time("data_block_timeout", &Deliver::data_block_timeout, "Time for one write (4.5.3.2.5)");
  time("data_end_timeout", &Deliver::data_end_timeout, "Time for the last reply (4.5.3.2.6)");
  time("quit_timeout", &Deliver::quit_timeout, "Time for the reply to QUIT");
  schema
      .field("idle_connection", &Deliver::idle_connection,
             "Time that a connection is kept for the next message")
      .between(0s, 5min);
  schema
      .field("max_messages_per_connection", &Deliver::max_messages_per_connection,
             "Messages after which a connection is closed; 0 is no limit")
      .between(0, 1'000'000);
}

void Plugin::describe(Schema<Plugin>& schema) {
  const auto policy = [&](std::string_view key, FailurePolicy Plugin::* member,
                          std::string_view help) {
    schema.field(key, member, help)
        .choices({{"defer", FailurePolicy::defer},
                  {"pass", FailurePolicy::pass},
                  {"reject", FailurePolicy::reject}});
  };
  schema.field("use", &Plugin::use, "Name of the plugin").check(check_not_empty).required();
  schema.field("id", &Plugin::id, "Name of this block; empty: the plugin's, numbered if repeated");
  schema.field("enabled", &Plugin::enabled, "false: as if the block were not there");
  policy("on_error", &Plugin::on_error, "What a failure of the plugin means");
  policy("on_timeout", &Plugin::on_timeout, "What it means when a hook takes too long");
  schema.field("hook_timeout", &Plugin::hook_timeout, "Time for each call of a hook")
      .between(1ms, 10min);
  schema.field("mode", &Plugin::mode, "\"shadow\" logs the plugin's verdicts, applies none")
      .choices({{"enforce", PluginMode::enforce}, {"shadow", PluginMode::shadow}});
}

void Settings::describe(Schema<Settings>& schema) {
  schema.field("hostname", &Settings::hostname, "Own name; empty: the machine's full name")
      .check(check_hostname);
  schema.field("server", &Settings::server, "The process");
  schema.field("log", &Settings::log, "The log");
  schema.field("listen", &Settings::listen, "A listener; one block each");
  schema.field("smtp", &Settings::smtp, "Receiving: limits, and times (RFC 5321 section 4.5.3)");
  schema.field("relay", &Settings::relay, "Who may send where; closed by default");
  schema.field("local", &Settings::local, "Mail that ends here");
  schema.field("queue", &Settings::queue, "Retries and limits of the queue");
  schema.field("dns", &Settings::dns, "Looking up names");
  schema.field("deliver", &Settings::deliver, "Sending (times: RFC 5321 section 4.5.3.2)");
  schema.field("destination", &Settings::destination,
               "Limits of some destinations, in place of those for all; one block each");
}

}  // namespace postrider::config
