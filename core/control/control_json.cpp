// SPDX-License-Identifier: MIT
#include "control/control_json.hpp"

#include <algorithm>

#include <fmt/chrono.h>

#include <postrider/quantity.hpp>

#include "config/settings.hpp"
#include "plugin/instance.hpp"

namespace postrider::control {

namespace {

constexpr std::size_t kShownPieces = 100;  // of damage

void merge(Json& sum, const Json& one) {
  if (sum.is_array() && one.is_array()) {
    sum.insert(sum.end(), one.begin(), one.end());
  } else if (sum.is_object() && one.is_object()) {
    for (const auto& [key, value] : one.items()) {
      if (sum.contains(key))
        merge(sum[key], value);
      else
        sum[key] = value;
    }
  } else if (sum.is_number_integer() && one.is_number_integer()) {
    sum = sum.get<std::int64_t>() + one.get<std::int64_t>();
  } else if (sum.is_number() && one.is_number()) {
    sum = sum.get<double>() + one.get<double>();
  }
}

}  // namespace

std::string merged(std::span<const std::string> answers) {
  if (answers.size() == 1) return answers.front();
  Json sum;
  for (const std::string& text : answers) {
    Json one = Json::parse(text, nullptr, false);
    if (one.is_discarded()) continue;
    const bool better = sum.is_null() || (sum.contains("error") && !one.contains("error"));
    if (better)
      sum = std::move(one);
    else if (!one.contains("error"))
      merge(sum, one);
  }
  return sum.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json mistake(std::string text) {
  return {{"error", std::move(text)}};
}

std::string time_text(WallTime time) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(
                         std::chrono::time_point_cast<std::chrono::seconds>(time))));
}

Json to_json(const queue::QueueCounts& counts) {
  return {{"messages", counts.messages},
          {"queued", counts.queued},
          {"active", counts.active},
          {"delayed", counts.delayed},
          {"held", counts.held},
          {"failed", counts.failed},
          {"destinations", counts.destinations},
          {"delivered_since_start", counts.delivered_total},
          {"failed_since_start", counts.failed_total}};
}

Json to_json(const queue::MessageView& message) {
  Json recipients = Json::array();
  for (const queue::RecipientView& recipient : message.recipients) {
    Json one{{"address", recipient.address},
             {"state", queue::state_name(recipient.state)},
             {"destination", recipient.destination},
             {"attempts", recipient.attempts},
             {"status", recipient.status},
             {"reason", recipient.reason},
             {"remote", recipient.remote}};
    one["next_attempt"] =
        recipient.next_attempt ? Json(time_text(*recipient.next_attempt)) : Json(nullptr);
    if (recipient.give_up_at != message.give_up_at && !recipient.destination.empty())
      one["give_up_at"] = time_text(recipient.give_up_at);
    recipients.push_back(std::move(one));
  }
  return {{"id", message.queue_id},
          {"sender", message.reverse_path},
          {"size", message.size},
          {"arrived", time_text(message.arrived)},
          {"give_up_at", time_text(message.give_up_at)},
          {"recipients", std::move(recipients)}};
}

namespace {

Json to_json(const queue::Tally& tally) {
  Json json{{"recipients", tally.recipients()}, {"queued", tally.queued}, {"active", tally.active},
            {"delayed", tally.delayed},         {"held", tally.held},     {"failed", tally.failed}};
  json["oldest"] = tally.recipients() > 0 ? Json(time_text(tally.oldest)) : Json(nullptr);
  json["ages"] = tally.ages;
  return json;
}

}  // namespace

Json to_json(const queue::TallyTable& table, std::size_t limit) {
  std::vector<std::pair<std::string, queue::Tally>> groups(table.by.begin(), table.by.end());
  const auto shown = groups.begin() + static_cast<std::ptrdiff_t>(std::min(limit, groups.size()));
  std::ranges::partial_sort(groups, shown, [](const auto& one, const auto& other) {
    const auto a = one.second.recipients(), b = other.second.recipients();
    return a != b ? a > b : one.first < other.first;
  });
  Json list = Json::array();
  for (auto group = groups.begin(); group != shown; ++group) {
    Json one{{"name", group->first}};
    one.update(to_json(group->second));
    list.push_back(std::move(one));
  }
  std::vector<std::int64_t> limits;
  for (const Duration age : queue::kAges) limits.push_back(age / 1min);
  return {{"messages", table.messages}, {"octets", table.octets},
          {"all", to_json(table.all)},  {"age_limits_min", limits},
          {"groups", std::move(list)},  {"groups_in_all", groups.size()}};
}

namespace {

std::string listed(const std::vector<Duration>& waits) {
  std::string text;
  for (const Duration wait : waits) text += (text.empty() ? "" : " ") + format_duration(wait);
  return text;
}

std::vector<std::pair<std::string_view, Duration>> times_of(const queue::DestinationRule& rule) {
  const queue::ConnectionLimits& limits = rule.connection;
  return {{"give_up", rule.give_up},
          {"connect_timeout", limits.connect},
          {"greeting_timeout", limits.greeting},
          {"helo_timeout", limits.hello},
          {"mail_timeout", limits.mail},
          {"rcpt_timeout", limits.rcpt},
          {"data_init_timeout", limits.data_init},
          {"data_block_timeout", limits.data_block},
          {"data_end_timeout", limits.data_end},
          {"quit_timeout", limits.quit},
          {"idle_connection", limits.idle_connection}};
}

/// The limits of a destination, each with the place of the configuration that set it.
Json limits_of(const queue::DestinationView& destination) {
  const queue::DestinationRule none;
  const queue::DestinationRule& rule = destination.rule ? *destination.rule : none;
  const bool own = rule.max_connections > 0;
  Json limits = Json::array({{{"key", "max_connections"},
                              {"value", std::to_string(destination.max_connections)},
                              {"from", own ? rule.origin : "[queue]"}}});
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) limits.push_back({{"key", key}, {"value", value}, {"from", rule.origin}});
  };
  const auto number = [](std::size_t n) { return n > 0 ? std::to_string(n) : std::string(); };
  const auto rate = [](const queue::Rate& of) {
    return config::format_setting(config::Rate{static_cast<int>(of.count), of.period});
  };
  add("initial_connections", number(rule.initial_connections));
  add("max_rate", rate(rule.max_rate));
  add("max_connection_rate", rate(rule.max_connection_rate));
  add("retry", listed(rule.retry));
  add("back_off", listed(rule.back_off));
  for (const auto& [key, value] : times_of(rule))
    if (value > Duration{}) add(key, format_duration(value));
  add("max_messages_per_connection", number(rule.connection.max_messages));
  return limits;
}

}  // namespace

Json to_json(const queue::DestinationView& destination) {
  const auto time = [](const std::optional<WallTime>& when) {
    return when ? Json(time_text(*when)) : Json(nullptr);
  };
  return {{"destination", destination.destination},
          {"ready", destination.ready},
          {"delayed", destination.delayed},
          {"active", destination.active},
          {"couriers", destination.couriers},
          {"limit", destination.limit},
          {"failures", destination.failures},
          {"back_off_s", destination.back_off.count() / 1000},
          {"last_success", time(destination.last_success)},
          {"last_answer", time(destination.last_answer)},
          {"last_failure", time(destination.last_failure)},
          {"trouble", destination.trouble},
          {"closed", destination.closed ? destination.closed->why : ""},
          {"closed_since", time(destination.closed ? destination.closed->since : std::nullopt)},
          {"closed_until", destination.closed ? destination.closed->until : ""},
          {"limits", limits_of(destination)}};
}

Json to_json(const plugin::PluginView& plugin) {
  Json hooks = Json::array();
  for (const plugin::HookView& hook : plugin.hooks) {
    hooks.push_back({{"hook", plugin::hook_name(hook.kind)},
                     {"order", hook.order},
                     {"calls", hook.counter.calls},
                     {"refusals", hook.counter.refusals},
                     {"errors", hook.counter.errors},
                     {"timeouts", hook.counter.timeouts},
                     {"total_us", hook.counter.total.count() / 1000},
                     {"max_us", hook.counter.longest.count() / 1000}});
  }
  Json settings = Json::object();
  for (const auto& [key, value] : plugin.settings) settings[key] = value;
  return {{"id", plugin.id},
          {"name", plugin.name},
          {"description", plugin.description},
          {"mode", plugin.mode == plugin::Mode::shadow ? "shadow" : "enforce"},
          {"bypassed", plugin.is_bypassed},
          {"hooks", std::move(hooks)},
          {"settings", std::move(settings)}};
}

Json to_json(const receive::SessionTable::Figures& figures) {
  const auto ms = [](std::chrono::microseconds time) {
    return static_cast<double>(time.count()) / 1000;
  };
  return {{"now", figures.sessions_now},
          {"total", figures.sessions_total},
          {"messages", figures.messages},
          {"refusals", figures.refusals},
          {"banner_minutes", receive::BannerTimes::kWindow.count()},
          {"banner_sessions", figures.banner.sessions},
          {"banner_p50_ms", ms(figures.banner.p50)},
          {"banner_p99_ms", ms(figures.banner.p99)},
          {"banner_max_ms", ms(figures.banner.max)}};
}

Json to_json(const std::vector<watchdog::Standing>& loops) {
  Json all = Json::array();
  for (const watchdog::Standing& one : loops)
    all.push_back({{"loop", one.loop}, {"since_ms", one.since.count()}, {"in", one.in}});
  return all;
}

Json to_json(const MemoryView& memory) {
  return {{"incoming", memory.incoming},
          {"incoming_limit", memory.incoming_limit},
          {"queued", memory.queued},
          {"queued_limit", memory.queued_limit}};
}

Json to_json(const store::Stats& stats) {
  Json set_aside = Json::array();
  for (const store::SetAside& piece : stats.set_aside) {
    if (set_aside.size() == kShownPieces) break;
    set_aside.push_back({{"name", piece.name}, {"reason", piece.why}});
  }
  return {{"messages", stats.messages},
          {"octets", stats.bytes},
          {"commits", stats.commits},
          {"flushes", stats.flushes},
          {"segments", stats.segments},
          {"accepting", stats.accepting},
          {"trouble", stats.trouble},
          {"damaged_since_start", stats.damaged},
          {"in_corrupt", stats.set_aside.size()},
          {"set_aside", set_aside}};
}

}  // namespace postrider::control
