// SPDX-License-Identifier: MIT
#include "control/trace.hpp"

#include <map>
#include <utility>

#include <fmt/format.h>

#include "control/phrase.hpp"

namespace postrider::control {
namespace {

void add(std::vector<std::string>& words, const char* key, const std::vector<std::string>& values) {
  for (const std::string& value : values) words.push_back(std::string(key) + "=" + value);
}

std::string line_text(const Json& line) {
  return fmt::format("{} {} {} {} {} +{}ms {} {}\n", text(line, "time"), text(line, "id"),
                     text(line, "side"), text(line, "local"), text(line, "remote"),
                     line.value("ms", std::int64_t{0}), text(line, "kind"), text(line, "text"));
}

/// Each loop answered for itself; people want one order.
std::vector<Json> by_time(const Json& list, const char* key) {
  std::multimap<std::string, Json> sorted;
  for (const Json& one : list) sorted.emplace(text(one, key), one);
  std::vector<Json> result;
  for (auto& [time, one] : sorted) result.push_back(std::move(one));
  return result;
}

std::string lines_text(const Json& lines) {
  std::string out;
  for (const Json& line : by_time(lines, "time")) out += line_text(line);
  return out;
}

std::string session_text(const Json& session) {
  const std::string host = text(session, "host");
  std::string out =
      fmt::format("{}  {} {}  {}{}", text(session, "began"), text(session, "side"),
                  text(session, "id"), text(session, "remote"), host.empty() ? "" : " " + host);
  const std::string failure = text(session, "failure"), verdict = text(session, "verdict");
  if (!failure.empty()) out += "\n    FAILED: " + failure;
  if (!failure.empty() && failure == verdict) return out + "\n";
  return out + "\n    " + (verdict.empty() ? "under way" : verdict) + "\n";
}

}  // namespace

std::vector<std::string> trace_words(const Tracing& tracing, const std::string& cursors) {
  if (!tracing.id.empty()) return {"trace", "get", tracing.id};
  if (!tracing.message.empty()) return {"trace", "about", tracing.message};
  std::vector<std::string> words{"trace"};
  if (tracing.follow) words.insert(words.end(), {"since", cursors.empty() ? "now" : cursors});
  if (!tracing.direction.empty()) words.push_back("direction=" + tracing.direction);
  add(words, "network", tracing.networks);
  add(words, "host", tracing.hosts);
  add(words, "sender", tracing.senders);
  add(words, "recipient", tracing.recipients);
  return words;
}

std::string next_cursors(const Json& answer) {
  std::string cursors;
  for (const Json& cursor : answer.value("cursors", Json::array()))
    cursors += (cursors.empty() ? "" : ",") + cursor.get<std::string>();
  return cursors;
}

std::string trace_text(const Json& answer) {
  if (answer.contains("lines")) return lines_text(answer.at("lines"));
  std::string out;
  for (const Json& session : by_time(answer.value("sessions", Json::array()), "began")) {
    out += session_text(session);
    if (session.contains("lines")) out += lines_text(session.at("lines"));
  }
  return out.empty() ? "No session is recorded.\n" : out;
}

}  // namespace postrider::control
