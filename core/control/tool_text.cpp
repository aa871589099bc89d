// SPDX-License-Identifier: MIT
#include "control/tool_text.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "control/order_text.hpp"
#include "control/phrase.hpp"
#include "queue/selection.hpp"

namespace postrider::control {

namespace {

std::string next_step(const Json& recipient) {
  const std::string state = text(recipient, "state");
  if (recipient["next_attempt"].is_string())
    return "next attempt " + moment(recipient["next_attempt"].get<std::string>());
  if (state == "held") return "waits for: postrider queue release";
  if (state == "failed") return "stays until: postrider queue remove";
  if (state == "active") return "an attempt is under way";
  if (state != "queued" && state != "delayed") return "done";
  return text(recipient, "reason").starts_with("waits: ") ? "waits" : "waits for a connection";
}

std::string recipient_text(const Json& recipient) {
  std::string line = fmt::format("  {}  {}, {}\n", text(recipient, "address"),
                                 text(recipient, "state"), next_step(recipient));
  const std::string status = text(recipient, "status"), reason = text(recipient, "reason");
  line += fmt::format("    {}{}{}\n", status, status.empty() ? "" : " ", reason);
  line += fmt::format("    {} to {}", counted(number(recipient, "attempts"), "attempt"),
                      text(recipient, "destination"));
  const std::string remote = text(recipient, "remote");
  if (!remote.empty() && !reason.contains(remote)) line += ", last by " + remote;
  const std::string given_up = text(recipient, "give_up_at");
  if (!given_up.empty()) line += "\n    given up " + moment(given_up);
  return line + "\n";
}

/// How soon after the connect clients were greeted, lately.
std::string banner_text(const Json& sessions) {
  const std::string window =
      fmt::format("in the last {} minutes", number(sessions, "banner_minutes"));
  if (number(sessions, "banner_sessions") == 0) return "banner     nobody came " + window + "\n";
  return fmt::format("banner     p50 {} ms, p99 {} ms, max {} ms after connect ({} {})\n",
                     sessions.value("banner_p50_ms", 0.0), sessions.value("banner_p99_ms", 0.0),
                     sessions.value("banner_max_ms", 0.0),
                     counted(number(sessions, "banner_sessions"), "session"), window);
}

std::string marks(const Json& plugin) {
  return fmt::format("{}{}", text(plugin, "mode") == "shadow" ? "  [shadow]" : "",
                     plugin.value("bypassed", false) ? "  [BYPASSED after failures]" : "");
}

/// One hook's chain: who is asked, in which order.
std::string chain_text(const Json& answer, const std::string& hook_name) {
  std::map<std::uint64_t, std::string> chain;
  for (const Json& plugin : answer.at("plugins"))
    for (const Json& hook : plugin.at("hooks"))
      if (text(hook, "hook") == hook_name)
        chain[number(hook, "order")] = fmt::format("{}  {}{}\n", text(plugin, "id"),
                                                   text(plugin, "description"), marks(plugin));
  std::string out;
  for (const auto& [order, line] : chain) out += fmt::format("{}. {}", order, line);
  return out.empty() ? "No plugin takes part in " + hook_name + ".\n" : out;
}

// Nothing if all is well.
std::string damage_text(const Json& store) {
  const std::uint64_t since_start = number(store, "damaged_since_start");
  const std::uint64_t in_corrupt = number(store, "in_corrupt");
  if (since_start == 0 && in_corrupt == 0) return {};
  std::string out = fmt::format("DAMAGED    {} found since start, {} set aside in corrupt/\n",
                                since_start, in_corrupt);
  for (const Json& piece : store.at("set_aside"))
    out += fmt::format("           {}: {}\n", text(piece, "name"), text(piece, "reason"));
  if (in_corrupt > 0)
    out +=
        "           Nothing is delivered from corrupt/: save what is needed, then delete it "
        "there.\n";
  return out;
}

}  // namespace

std::string status_text(const Json& answer) {
  const Json &sessions = answer.at("sessions"), &queue = answer.at("queue"),
             &store = answer.at("store");
  std::string out =
      fmt::format("{} since {}{}\n", text(answer, "hostname"), moment(text(answer, "started")),
                  answer.value("stopping", false) ? ", stopping" : "");
  out += orders_line(answer.at("orders"));
  out += fmt::format("sessions   {} now, {} in all, {}, {}\n", number(sessions, "now"),
                     number(sessions, "total"), counted(number(sessions, "messages"), "message"),
                     counted(number(sessions, "refusals"), "refusal"));
  out += banner_text(sessions);
  out += fmt::format(
      "queue      {}; recipients: {} queued, {} active, {} delayed, {} held, {} failed\n",
      counted(number(queue, "messages"), "message"), number(queue, "queued"),
      number(queue, "active"), number(queue, "delayed"), number(queue, "held"),
      number(queue, "failed"));
  out += fmt::format("delivered  {}, {} failed, since start\n",
                     counted(number(queue, "delivered_since_start"), "recipient"),
                     number(queue, "failed_since_start"));
  out += fmt::format(
      "store      {}, {} in {} {}, {}\n", counted(number(store, "octets"), "octet"),
      counted(number(store, "commits"), "commit"), number(store, "flushes"),
      number(store, "flushes") == 1 ? "flush" : "flushes",
      store.value("accepting", true) ? "accepting" : "NOT ACCEPTING: " + text(store, "trouble"));
  const Json& memory = answer.at("memory");
  out +=
      fmt::format("memory     {} of {} octets for mail coming in, {} of {} for mail to be tried\n",
                  number(memory, "incoming"), number(memory, "incoming_limit"),
                  number(memory, "queued"), number(memory, "queued_limit"));
  for (const Json& loop : answer.value("standing", Json::array()))
    out += fmt::format("loop {}     STANDS STILL for {} s in {}; the figures are without it\n",
                       text(loop, "loop"), number(loop, "since_ms") / 1000,
                       text(loop, "in").empty() ? "no plugin" : text(loop, "in"));
  return out + damage_text(store);
}

std::string list_text(const Json& answer, bool is_filtered) {
  std::string out;
  for (const Json& message : answer.at("messages")) {
    out += fmt::format("{}  from <{}>, {} octets, arrived {}\n", text(message, "id"),
                       text(message, "sender"), number(message, "size"),
                       moment(text(message, "arrived")));
    for (const Json& recipient : message.at("recipients")) out += recipient_text(recipient);
  }
  if (answer.value("more", false))
    out += "There is more: narrow it down, or see --limit and postrider queue count.\n";
  if (!out.empty()) return out;
  return is_filtered ? "No such message in the queue.\n" : "The queue is empty.\n";
}

std::string message_text(const Json& answer) {
  std::string out =
      fmt::format("{}  from <{}>, {} octets\n  arrived   {}\n  given up  {}\n", text(answer, "id"),
                  text(answer, "sender"), number(answer, "size"), moment(text(answer, "arrived")),
                  moment(text(answer, "give_up_at")));
  for (const Json& recipient : answer.at("recipients")) out += recipient_text(recipient);
  std::string headers = text(answer, "headers");
  std::erase(headers, '\r');
  return out + "\n" + headers;
}

std::string destinations_text(const Json& answer, const std::string& named) {
  std::string out;
  for (const Json& one : answer.at("destinations")) {
    if (!queue::fits(named, text(one, "destination"))) continue;
    out += fmt::format("{}: {} ready, {} delayed, {} active, {} of {}", text(one, "destination"),
                       number(one, "ready"), number(one, "delayed"), number(one, "active"),
                       number(one, "couriers"), counted(number(one, "limit"), "connection"));
    if (number(one, "failures") > 0)
      out += fmt::format("; failed {} in a row, next try in {} s",
                         counted(number(one, "failures"), "time"), number(one, "back_off_s"));
    const std::string closed = text(one, "closed");
    out += (closed.empty() ? "" : "; nothing is tried: " + closed) + "\n";
    if (const std::string until = text(one, "closed_until"); !until.empty())
      out += "    until: " + until + "\n";
    if (named.empty()) continue;
    for (const Json& limit : one.at("limits"))
      out += fmt::format("    {} = {}  from {}\n", text(limit, "key"), text(limit, "value"),
                         text(limit, "from"));
  }
  const std::size_t shown = answer.at("destinations").size();
  if (const std::size_t all = number(answer, "in_all"); all > shown)
    out += fmt::format("and {} more; see --limit\n", all - shown);
  for (const Json& one : answer.value("suspended", Json::array())) {
    const std::string pattern = text(one, "destination");
    if (!queue::fits(named, pattern) && !queue::fits(pattern, named)) continue;
    out += fmt::format("suspended: {} since {}{}{}\n", pattern, moment(text(one, "since")),
                       text(one, "reason").empty() ? "" : ": ", text(one, "reason"));
  }
  if (!out.empty()) return out;
  return named.empty() ? "No destination has mail.\n"
                       : fmt::format("No destination \"{}\" has mail.\n", named);
}

std::string plugins_text(const Json& answer, const std::string& order_of_hook) {
  if (!order_of_hook.empty()) return chain_text(answer, order_of_hook);
  std::string out;
  for (const Json& plugin : answer.at("plugins")) {
    out +=
        fmt::format("{}  {}{}\n", text(plugin, "id"), text(plugin, "description"), marks(plugin));
    for (const Json& hook : plugin.at("hooks"))
      out += fmt::format(
          "    {} (number {}): {} calls, {} refusals, {} errors, {} timeouts, {} us in all\n",
          text(hook, "hook"), number(hook, "order"), number(hook, "calls"),
          number(hook, "refusals"), number(hook, "errors"), number(hook, "timeouts"),
          number(hook, "total_us"));
  }
  return out.empty() ? "No plugin.\n" : out;
}

namespace {

std::string route_text(const Json& route) {
  const std::string origin = text(route, "origin");
  std::string out = fmt::format("{}  {}, ", text(route, "destination"),
                                origin == "refusal" ? "no route" : "from " + origin);
  if (route.value("ttl_left", Json()).is_number())
    out += fmt::format("{} s left of {} s", number(route, "ttl_left"), number(route, "ttl"));
  else
    out += "kept until it is flushed";
  out +=
      fmt::format(", {} (loop {})\n", counted(number(route, "hits"), "hit"), number(route, "loop"));
  for (const Json& host : route.value("hosts", Json::array())) {
    out += fmt::format("    {} {} port {}:", number(host, "preference"), text(host, "host"),
                       number(host, "port"));
    for (const Json& address : host.value("addresses", Json::array()))
      out += " " + address.get<std::string>();
    out += "\n";
  }
  return out + fmt::format("    looked up {} s ago; last lookup: {}\n", number(route, "age"),
                           text(route, "last_result"));
}

}  // namespace

std::string routes_text(const Json& answer, const std::string& domain) {
  if (answer.contains("flushed")) return counted(number(answer, "flushed"), "route") + " flushed\n";
  std::string out;
  for (const Json& route : answer.value("routes", Json::array())) out += route_text(route);
  for (const Json& lookup : answer.value("looking_up", Json::array()))
    out += fmt::format("{}  is being looked up since {} s (loop {})\n", text(lookup, "destination"),
                       number(lookup, "age"), number(lookup, "loop"));
  if (out.empty() && !domain.empty())
    out = domain + " is not kept: it is looked up at the next delivery.\n";
  return out + fmt::format("{} kept; since start: {} hits, {} lookups, {} evicted\n",
                           number(answer, "kept"), number(answer, "hits"),
                           number(answer, "lookups"), number(answer, "evicted"));
}

std::string change_text(const Json& answer, const std::string& change) {
  static const std::map<std::string, std::string> kDone{
      {"retry", "tried now"}, {"hold", "held"},       {"release", "released"},
      {"remove", "removed"},  {"bounce", "returned"}, {"give-up", "given another time"}};
  std::string out = fmt::format(
      "{} {}\n", counted(number(answer, "changed"), change == "give-up" ? "message" : "recipient"),
      kDone.at(change));
  if (!answer.value("reported", true))
    out +=
        "No plugin reports it to the senders (ndr does): they stay as failed until postrider queue "
        "remove.\n";
  return out;
}

std::string reload_text(const Json& answer) {
  std::string out = "The new configuration is in force for new sessions.\n";
  for (const Json& key : answer.at("restart"))
    out += fmt::format("Changed, but in force after a restart only: {}\n", key.get<std::string>());
  return out;
}

std::string stop_text(const Json&) {
  return "The daemon finishes what is under way, then stops.\n";
}

}  // namespace postrider::control
