// SPDX-License-Identifier: MIT
#include "trace.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "excerpt.hpp"

namespace postrider::protocol_log {
namespace {

constexpr std::size_t kMostOctets = 4 << 20;  // of an answer

void append_field(std::string& out, std::string_view key, std::string_view value) {
  out.append(out.ends_with('{') ? "\"" : ",\"").append(key).append("\":");
  append_json(out, value);
}

std::string mistake(std::string_view text) {
  std::string out = "{";
  append_field(out, "error", text);
  return out + "}";
}

void append_summary(std::string& out, const Conversation& one) {
  out += '{';
  append_field(out, "id", one.id);
  append_field(out, "side", one.subject.side == Side::server ? "in" : "out");
  append_field(out, "began", time_text(one.began));
  append_field(out, "local", place(one.local));
  append_field(out, "remote", place(one.remote));
  append_field(out, "host", one.subject.hosts.empty() ? "" : one.subject.hosts.front());
  append_field(out, "failure", one.failure());
  append_field(out, "verdict", one.end);
  out += ",\"open\":";
  out += one.end.empty() ? "true" : "false";
  out += ",\"records\":" + std::to_string(one.transcript.size()) +
         ",\"omitted\":" + std::to_string(one.transcript.omitted());
}

/// The records after number `after`, as the objects of the JSON log.
void append_lines(std::string& out, const Conversation& one, std::uint64_t after) {
  const std::string from = origin(one.id, one.subject.side, one.local, one.remote, Format::json);
  one.transcript.visit([&](const Record* record, std::uint64_t number) {
    if (number <= after && (record || after > 0)) return;
    const Record gap{one.began, {}, Label::recorder, false, "records were left out here"};
    if (!out.ends_with('[')) out += ',';
    append_line(out, record ? *record : gap, from, Format::json);
    out.pop_back();  // the line end
  });
}

/// What is about one message; where other records come between, a line says so.
void append_excerpt(std::string& out, const Conversation& one, const Excerpt& excerpt) {
  const std::string from = origin(one.id, one.subject.side, one.local, one.remote, Format::json);
  std::size_t place = 0;
  bool skipped = false;
  one.transcript.visit([&](const Record* record, std::uint64_t) {
    if (!excerpt.has(place++)) {
      skipped = true;
      return;
    }
    const Record gap{one.began, {}, Label::recorder, false, "records were left out here"};
    for (const Record* shown : {skipped && record ? &gap : nullptr, record ? record : &gap}) {
      if (!shown) continue;
      if (!out.ends_with('[')) out += ',';
      append_line(out, *shown, from, Format::json);
      out.pop_back();  // the line end
    }
    skipped = false;
  });
}

std::string list(Recorder& recorder, const Filter& filter) {
  std::string out = "{\"sessions\":[";
  recorder.visit([&](const Conversation& one) {
    if (filter.judge(one.subject) != Wanted::yes || out.size() > kMostOctets) return;
    if (!out.ends_with('[')) out += ',';
    append_summary(out, one);
    out += '}';
  });
  return out + "]}";
}

std::string show(Recorder& recorder, std::string_view id) {
  std::string out;
  recorder.visit([&](const Conversation& one) {
    if (one.id != id) return;
    out = "{\"sessions\":[";
    append_summary(out, one);
    out += ",\"lines\":[";
    append_lines(out, one, 0);
    out += "]}]}";
  });
  return out.empty() ? mistake("no session " + std::string(id) + " is recorded") : out;
}

/// Everything that is recorded about one message, wherever it came in and went out.
std::string about(Recorder& recorder, std::string_view queue_id) {
  std::string out = "{\"kept\":" + std::to_string(recorder.kept()) + ",\"sessions\":[";
  recorder.visit([&](const Conversation& one) {
    const auto excerpt = excerpt_of(one, queue_id);
    if (!excerpt || out.size() > kMostOctets) return;
    if (!out.ends_with('[')) out += ',';
    append_summary(out, one);
    out += ",\"outcomes\":" + std::to_string(excerpt->outcomes) + ",\"lines\":[";
    append_excerpt(out, one, *excerpt);
    out += "]}";
  });
  return out + "]}";
}

/// The number that `cursors` has for this loop; nothing: from now on.
std::uint64_t cursor_of(std::string_view cursors, unsigned loop, std::uint64_t now) {
  const std::string key = std::to_string(loop) + ":";
  while (!cursors.empty()) {
    const std::string_view one = cursors.substr(0, cursors.find(','));
    cursors.remove_prefix(std::min(one.size() + 1, cursors.size()));
    if (!one.starts_with(key)) continue;
    std::uint64_t number = now;
    std::from_chars(one.data() + key.size(), one.data() + one.size(), number);
    return std::min(number, now);
  }
  return now;
}

std::string since(Recorder& recorder, unsigned loop, std::string_view cursors,
                  const Filter& filter) {
  const std::uint64_t now = recorder.last_number();
  const std::uint64_t after = cursor_of(cursors, loop, now);
  std::string out =
      "{\"cursors\":[\"" + std::to_string(loop) + ":" + std::to_string(now) + "\"],\"lines\":[";
  recorder.visit([&](const Conversation& one) {
    const bool is_new = one.transcript.last_number() > after;
    if (is_new && filter.judge(one.subject) == Wanted::yes && out.size() <= kMostOctets)
      append_lines(out, one, after == 0 ? 0 : after);
  });
  return out + "]}";
}

}  // namespace

std::string answer_trace(Recorder& recorder, unsigned loop,
                         std::span<const std::string_view> words) {
  if (words.size() == 2 && words[0] == "get") return show(recorder, words[1]);
  if (words.size() == 2 && words[0] == "about") return about(recorder, words[1]);
  const bool follows = words.size() >= 2 && words[0] == "since";
  const auto filter = Filter::parse(words.subspan(follows ? 2 : 0));
  if (!filter) return mistake(filter.error());
  return follows ? since(recorder, loop, words[1], *filter) : list(recorder, *filter);
}

}  // namespace postrider::protocol_log
