// SPDX-License-Identifier: MIT
#include "control/tool_text.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace postrider::control {

namespace {

std::string text(const Json& json, const char* key) {
  return json.value(key, std::string());
}

std::uint64_t number(const Json& json, const char* key) {
  return json.value(key, std::uint64_t{0});
}

std::string next_step(const Json& recipient) {
  const std::string state = text(recipient, "state");
  if (state == "delayed" && recipient["next_attempt"].is_string())
    return "next attempt " + recipient["next_attempt"].get<std::string>();
  if (state == "held") return "waits for: postrider queue release";
  if (state == "failed") return "stays until: postrider queue remove";
  if (state == "active") return "an attempt is under way";
  return state == "queued" ? "waits for a connection" : "done";
}

std::string recipient_text(const Json& recipient) {
  std::string line = fmt::format("  {}  {}", text(recipient, "address"), text(recipient, "state"));
  line += fmt::format(", {}; to {}, {} attempt{} so far\n", next_step(recipient),
                      text(recipient, "destination"), number(recipient, "attempts"),
                      number(recipient, "attempts") == 1 ? "" : "s");
  const std::string status = text(recipient, "status");
  line += fmt::format("    {}{}{}\n", status, status.empty() ? "" : " ", text(recipient, "reason"));
  return line;
}

}  // namespace

std::string status_text(const Json& answer) {
  const Json &sessions = answer.at("sessions"), &queue = answer.at("queue"),
             &store = answer.at("store");
  std::string out =
      fmt::format("{} since {}{}\n", text(answer, "hostname"), text(answer, "started"),
                  answer.value("stopping", false) ? ", stopping" : "");
  out += fmt::format("sessions   {} now, {} in all, {} messages, {} refusals\n",
                     number(sessions, "now"), number(sessions, "total"),
                     number(sessions, "messages"), number(sessions, "refusals"));
  out += fmt::format("banner     p50 {} ms, p99 {} ms, max {} ms after connect\n",
                     number(sessions, "banner_p50_ms"), number(sessions, "banner_p99_ms"),
                     number(sessions, "banner_max_ms"));
  out += fmt::format(
      "queue      {} messages; recipients: {} queued, {} active, {} delayed, {} held, {} failed\n",
      number(queue, "messages"), number(queue, "queued"), number(queue, "active"),
      number(queue, "delayed"), number(queue, "held"), number(queue, "failed"));
  out += fmt::format("delivered  {} recipients, {} failed, since start\n",
                     number(queue, "delivered_since_start"), number(queue, "failed_since_start"));
  out += fmt::format(
      "store      {} octets, {} flushes for {} commits, {}\n", number(store, "octets"),
      number(store, "flushes"), number(store, "commits"),
      store.value("accepting", true) ? "accepting" : "NOT ACCEPTING: " + text(store, "trouble"));
  return out;
}

std::string list_text(const Json& answer) {
  std::string out;
  for (const Json& message : answer.at("messages")) {
    out += fmt::format("{}  {}  {} octets  from <{}>\n", text(message, "id"),
                       text(message, "arrived"), number(message, "size"), text(message, "sender"));
    for (const Json& recipient : message.at("recipients")) out += recipient_text(recipient);
  }
  return out.empty() ? "The queue is empty.\n" : out;
}

std::string message_text(const Json& answer, bool with_headers) {
  std::string out = fmt::format("{}  from <{}>, {} octets, arrived {}, given up at {}\n",
                                text(answer, "id"), text(answer, "sender"), number(answer, "size"),
                                text(answer, "arrived"), text(answer, "give_up_at"));
  for (const Json& recipient : answer.at("recipients")) out += recipient_text(recipient);
  if (with_headers) {
    std::string headers = text(answer, "headers");
    std::erase(headers, '\r');
    out += "\n" + headers;
  }
  return out;
}

std::string destinations_text(const Json& answer) {
  std::string out;
  for (const Json& one : answer.at("destinations")) {
    out += fmt::format("{}: {} ready, {} delayed, {} active, {} of {} connections",
                       text(one, "destination"), number(one, "ready"), number(one, "delayed"),
                       number(one, "active"), number(one, "couriers"), number(one, "limit"));
    if (number(one, "failures") > 0)
      out += fmt::format("; failed {} times in a row, next try in {} s", number(one, "failures"),
                         number(one, "back_off_s"));
    out += "\n";
  }
  return out.empty() ? "No destination has mail.\n" : out;
}

std::string plugins_text(const Json& answer, const std::string& order_of_hook) {
  std::string out;
  for (const Json& plugin : answer.at("plugins")) {
    std::string hooks;
    bool wanted = order_of_hook.empty();
    for (const Json& hook : plugin.at("hooks")) {
      if (!order_of_hook.empty() && text(hook, "hook") != order_of_hook) continue;
      wanted = true;
      hooks += fmt::format(
          "    {} (number {}): {} calls, {} refusals, {} errors, {} timeouts, {} us in all\n",
          text(hook, "hook"), number(hook, "order"), number(hook, "calls"),
          number(hook, "refusals"), number(hook, "errors"), number(hook, "timeouts"),
          number(hook, "total_us"));
    }
    if (!wanted) continue;
    out += fmt::format("{}  {}{}{}\n", text(plugin, "id"), text(plugin, "description"),
                       text(plugin, "mode") == "shadow" ? "  [shadow]" : "",
                       plugin.value("bypassed", false) ? "  [BYPASSED after failures]" : "");
    out += hooks;
  }
  return out.empty() ? "No plugin.\n" : out;
}

std::string plain_text(const Json& answer) {
  std::string out;
  for (const auto& [key, value] : answer.items())
    out += key + ": " + (value.is_string() ? value.get<std::string>() : value.dump()) + "\n";
  return out;
}

}  // namespace postrider::control
