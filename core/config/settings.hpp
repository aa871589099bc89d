// SPDX-License-Identifier: MIT
// The core's own settings, one struct for each table of the file. Ranges and help: settings.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <postrider/ip_address.hpp>
#include <postrider/schema.hpp>

#include "config/mode.hpp"

namespace postrider::config {

/// How many event loops: a number, or one per core when empty ("auto").
struct Loops {
  std::optional<int> count;
  friend bool operator==(const Loops&, const Loops&) = default;
};
std::expected<Loops, std::string> parse_setting(std::string_view text, Loops*);
std::string format_setting(const Loops& loops);

/// So many messages in each `period`; count 0, written "", is no limit.
struct Rate {
  int count = 0;
  Duration period{};
  friend bool operator==(const Rate&, const Rate&) = default;
};
std::expected<Rate, std::string> parse_setting(std::string_view text, Rate*);
std::string format_setting(const Rate& rate);

enum class StoreKind : std::uint8_t { log, memory };
enum class LogLevel : std::uint8_t { debug, info, warning, error };
enum class Protocol : std::uint8_t { smtp, lmtp };
enum class Ipv6 : std::uint8_t { automatic, on, off };
/// What a plugin that throws or runs out of time means for the client.
enum class FailurePolicy : std::uint8_t { defer, pass, reject };
enum class PluginMode : std::uint8_t { enforce, shadow };

struct Server {
  Loops loops;
  std::string spool = "/var/lib/postrider/spool";
  StoreKind store = StoreKind::log;
  Mode mode = Mode::inbound_outbound;
  Size segment_size = 64_MiB;
  std::string control = "/run/postrider/control.sock";
  std::vector<std::string> plugin_path;  ///< load() puts the installation's folder in if empty
  Duration drain_timeout = 30s;
  Duration stall_limit = 5min;
  std::string user;   ///< empty: do not change
  std::string group;  ///< empty: do not change
  friend bool operator==(const Server&, const Server&) = default;
  static void describe(Schema<Server>& schema);
};

struct Log {
  LogLevel level = LogLevel::info;
  std::string file;  ///< empty: standard error
  static void describe(Schema<Log>& schema);
};

struct Listen {
  std::string address = "[::]:25";  ///< SocketAddress::parse has accepted it
  Protocol protocol = Protocol::smtp;
  friend bool operator==(const Listen&, const Listen&) = default;
  static void describe(Schema<Listen>& schema);
};

struct Smtp {
  std::string banner = "Postrider";
  Size max_message_size = 50_MiB;
  int max_line = 2048;
  int max_data_line = 65536;
  int max_recipients = 1000;
  int max_errors = 20;
  int max_sessions = 10000;
  int max_sessions_per_client = 100;
  int max_received = 100;
  Size max_header_size = 1_MiB;
  Size memory = 128_MiB;
  Duration command_timeout = 5min;
  Duration data_timeout = 10min;
  Size min_data_rate{500};
  Duration session_timeout = 1h;
  Duration slow_banner = 1s;
  static void describe(Schema<Smtp>& schema);
};

struct Relay {
  std::vector<std::string> networks;  ///< Network::parse has accepted each
  std::vector<std::string> domains;
  static void describe(Schema<Relay>& schema);
};

struct Local {
  std::vector<std::string> domains;
  static void describe(Schema<Local>& schema);
};

struct Queue {
  std::vector<Duration> retry{5min, 10min, 20min, 40min, 1h, 2h, 4h};
  int retry_jitter = 10;
  Duration give_up = 24h * 5;
  Duration attempt_limit = 1h;
  Size memory = 256_MiB;
  Duration commit_timeout = 5min;
  int max_concurrency = 20;
  int initial_concurrency = 5;
  friend bool operator==(const Queue&, const Queue&) = default;
  static void describe(Schema<Queue>& schema);
};

struct Dns {
  std::vector<std::string> servers;  ///< SocketAddress::parse has accepted each; empty: resolv.conf
  Duration attempt_timeout = 2s;
  int attempts = 3;
  friend bool operator==(const Dns&, const Dns&) = default;
  static void describe(Schema<Dns>& schema);
};

/// Times of RFC 5321 section 4.5.3.2, and how connections are used.
struct Deliver {
  int port = 25;
  Ipv6 ipv6 = Ipv6::automatic;
  Duration connect_timeout = 30s;
  Duration greeting_timeout = 5min;
  Duration helo_timeout = 5min;
  Duration mail_timeout = 5min;
  Duration rcpt_timeout = 5min;
  Duration data_init_timeout = 2min;
  Duration data_block_timeout = 3min;
  Duration data_end_timeout = 10min;
  Duration quit_timeout = 10s;
  Duration idle_connection = 5s;
  int max_messages_per_connection = 100;  ///< 0: no limit
  static void describe(Schema<Deliver>& schema);
};

/// A [[destination]] block. What is zero or empty is not set: as for all others.
struct Destination {
  std::vector<std::string> match;
  int max_connections = 0;
  int initial_connections = 0;
  Rate max_rate;
  Rate max_connection_rate;
  std::vector<Duration> retry;
  std::vector<Duration> back_off;
  Duration give_up = 0s;
  Duration connect_timeout = 0s;
  Duration greeting_timeout = 0s;
  Duration helo_timeout = 0s;
  Duration mail_timeout = 0s;
  Duration rcpt_timeout = 0s;
  Duration data_init_timeout = 0s;
  Duration data_block_timeout = 0s;
  Duration data_end_timeout = 0s;
  Duration quit_timeout = 0s;
  Duration idle_connection = 0s;
  int max_messages_per_connection = 0;
  static void describe(Schema<Destination>& schema);
};

/// A [[plugin]] block: the keys that every plugin has, and the plugin's own keys as they stand.
struct Plugin {
  std::string use;
  std::string id;  ///< load() fills it in: `use`, with "#2", "#3" for repeats
  bool enabled = true;
  FailurePolicy on_error = FailurePolicy::defer;
  FailurePolicy on_timeout = FailurePolicy::defer;
  Duration hook_timeout = 30s;
  PluginMode mode = PluginMode::enforce;
  SettingTable own;  ///< everything else in the block, for the plugin's schema
  static void describe(Schema<Plugin>& schema);
};

struct Settings {
  std::string hostname;  ///< load() puts the machine's name in if empty
  Server server;
  Log log;
  std::vector<Listen> listen{Listen{}};
  Smtp smtp;
  Relay relay;
  Local local;
  Queue queue;
  Dns dns;
  Deliver deliver;
  std::vector<Destination> destination;  ///< in the order of the file: the first that matches
  std::vector<Plugin> plugin;  ///< in the order of the file; not in the schema, see load.hpp
  static void describe(Schema<Settings>& schema);
};

}  // namespace postrider::config
