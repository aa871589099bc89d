// SPDX-License-Identifier: MIT
// The schema of a [[destination]] block: limits of some destinations in place of those for all.
// What is zero or empty is not set.
#include "config/settings.hpp"

namespace postrider::config {
namespace {

std::optional<std::string> check_not_blank(std::string_view text) {
  if (!text.empty()) return std::nullopt;
  return std::string("is empty; write a domain, or \"*.example.org\" for its subdomains");
}

}  // namespace

void Destination::describe(Schema<Destination>& schema) {
  const auto time = [&](std::string_view key, Duration Destination::* member,
                        std::string_view help) {
    schema.field(key, member, std::string(help) + "; 0s: as deliver." + std::string(key))
        .between(0s, 1h);
  };
  schema
      .field("match", &Destination::match,
             "Destinations that this block is for, as `postrider destinations` names them; * is "
             "anything; the first block that matches counts")
      .check(check_not_blank)
      .required();
  schema
      .field("max_connections", &Destination::max_connections,
             "Connections at a time; 0: as queue.max_concurrency")
      .between(0, 1000);
  schema
      .field("initial_connections", &Destination::initial_connections,
             "Connections while it is not known yet; 0: as queue.initial_concurrency")
      .between(0, 1000);
  schema.field("max_rate", &Destination::max_rate,
               "Messages in a time, evenly, such as \"100/min\"; empty: no limit");
  schema.field("max_connection_rate", &Destination::max_connection_rate,
               "New connections in a time, evenly, such as \"10/min\"; empty: no limit");
  schema
      .field("retry", &Destination::retry,
             "Waits between attempts of a message; the last repeats; empty: as queue.retry")
      .between(1s, 24h * 7);
  schema
      .field("back_off", &Destination::back_off,
             "How long all its mail waits after 1, 2, ... failures of the host in a row; the last "
             "repeats; empty: 1, 2, 5, 10, 15, 30 minutes")
      .between(1s, 24h);
  schema
      .field("give_up", &Destination::give_up,
             "Age at which undelivered mail for it is returned; 0s: as queue.give_up")
      .between(0s, 24h * 30);
  time("connect_timeout", &Destination::connect_timeout, "Time to connect to one address");
  time("greeting_timeout", &Destination::greeting_timeout, "Time for the greeting");
  time("helo_timeout", &Destination::helo_timeout, "Time for the reply to EHLO or HELO");
  time("mail_timeout", &Destination::mail_timeout, "Time for the reply to MAIL");
  time("rcpt_timeout", &Destination::rcpt_timeout, "Time for the reply to RCPT");
  time("data_init_timeout", &Destination::data_init_timeout, "Time for the reply to DATA");
  time("data_block_timeout", &Destination::data_block_timeout, "Time for one write");
  time("data_end_timeout", &Destination::data_end_timeout, "Time for the last reply");
  time("quit_timeout", &Destination::quit_timeout, "Time for the reply to QUIT");
  schema
      .field("idle_connection", &Destination::idle_connection,
             "Time that a connection is kept for the next message; 0s: as deliver.idle_connection")
      .between(0s, 5min);
  schema
      .field("max_messages_per_connection", &Destination::max_messages_per_connection,
             "Messages after which a connection is closed; 1: none is used again; 0: as "
             "deliver.max_messages_per_connection")
      .between(0, 1'000'000);
  schema.together({"match"}, [](const Destination& block) -> std::optional<std::string> {
    if (!block.match.empty()) return std::nullopt;
    return "is empty, so that the block is for nothing; write for example [\"*.example.org\"]";
  });
  schema.together({"give_up"}, [](const Destination& block) -> std::optional<std::string> {
    if (block.give_up == 0s || block.give_up >= 1min) return std::nullopt;
    return format_duration(block.give_up) + " is too short; write \"1m\" or more";
  });
}

}  // namespace postrider::config
