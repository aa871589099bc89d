// SPDX-License-Identifier: MIT
#include "control/request.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>

#include <nlohmann/json.hpp>

#include <postrider/quantity.hpp>

namespace postrider::control {
namespace {

using Json = nlohmann::json;
using Mistake = std::unexpected<std::string>;

/// The option's text read by `parse`, if it is given.
template <class T>
std::expected<std::optional<T>, std::string> read(
    const Json& options, const char* name,
    std::expected<T, std::string> (*parse)(std::string_view)) {
  if (!options.contains(name)) return std::nullopt;
  auto value = parse(options.at(name).get<std::string>());
  if (!value) return Mistake(std::string(name) + ": " + value.error());
  return std::optional<T>(*value);
}

/// A filter of words. An empty one would select all, and is rather a variable that was not set.
std::expected<std::string, std::string> pattern_of(const Json& options, const char* name) {
  if (!options.contains(name)) return std::string();
  std::string text = options.at(name).get<std::string>();
  if (text.empty()) return Mistake(std::string(name) + ": is empty; * matches anything");
  return text;
}

/// <a@example.org> is a@example.org; <> is the null reverse-path.
std::expected<std::string, std::string> address_pattern_of(const Json& options, const char* name) {
  auto text = pattern_of(options, name);
  if (text && text->size() > 2 && text->starts_with('<') && text->ends_with('>'))
    text = text->substr(1, text->size() - 2);
  return text;
}

/// A number, if it is given: none that is bent on its way into T, or by one more.
template <class T>
std::expected<void, std::string> read_number(const Json& options, const char* name, T& number) {
  constexpr std::uint64_t kMost =
      std::min<std::uint64_t>(std::numeric_limits<T>::max(), 1ull << 53);
  const auto found = options.find(name);
  if (found == options.end()) return {};
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() > kMost)
    return Mistake(std::string(name) + ": a whole number, 0 to " + std::to_string(kMost));
  number = found->get<T>();
  return {};
}

/// A length of time that can be added to any date.
std::expected<Duration, std::string> parse_span(std::string_view text) {
  constexpr Duration kCentury = 36'525 * 24h;
  auto span = parse_duration(text);
  if (span && *span > kCentury)
    return Mistake('"' + std::string(text) + "\" is longer than a century");
  return span;
}

std::expected<queue::RecipientState, std::string> parse_state(std::string_view text) {
  using enum queue::RecipientState;
  for (const auto known : {queued, active, delayed, held, failed})
    if (queue::state_name(known) == text) return known;
  return Mistake("no state \"" + std::string(text) + "\"; queued, active, delayed, held or failed");
}

std::expected<queue::TallyKey, std::string> parse_key(std::string_view text) {
  using enum queue::TallyKey;
  if (text == "destination") return destination;
  if (text == "sender") return sender_domain;
  if (text == "recipient") return recipient_domain;
  return Mistake("\"" + std::string(text) + "\" is none of destination, sender and recipient");
}

std::expected<WallTime, std::string> parse_moment(std::string_view text) {
  std::tm parts{};
  const std::string whole(text);
  const char* end = ::strptime(whole.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end && *end == '\0') return WallTime(std::chrono::seconds(::timegm(&parts)));
  return Mistake("\"" + whole + "\" is not a time in UTC; write for example " +
                 "\"2026-12-31T18:00:00Z\"");
}

/// One of after, in, at; nothing: none is given.
std::expected<std::optional<queue::GiveUpTime>, std::string> give_up_of(const Json& options,
                                                                        WallTime now) {
  const auto after = read(options, "after", parse_span);
  const auto in = read(options, "in", parse_span);
  const auto at = read(options, "at", parse_moment);
  if (!after) return Mistake(after.error());
  if (!in) return Mistake(in.error());
  if (!at) return Mistake(at.error());
  if (after->has_value() + in->has_value() + at->has_value() > 1)
    return Mistake("one of after, in and at, not more");
  if (*at && **at < now)
    return Mistake("at: this time has passed; postrider queue bounce returns mail now");
  if (*at) return queue::GiveUpTime{.at = **at};
  if (*in) return queue::GiveUpTime{.at = now + **in};
  if (*after) return queue::GiveUpTime{.after = **after};
  return std::nullopt;
}

std::expected<queue::Selection, std::string> selection_of(const Json& options, WallTime now) {
  queue::Selection selection;
  auto sender = address_pattern_of(options, "sender");
  auto recipient = address_pattern_of(options, "recipient");
  auto destination = pattern_of(options, "destination");
  auto reason = pattern_of(options, "reason");
  for (const auto* text : {&sender, &recipient, &destination, &reason})
    if (!*text) return Mistake(text->error());
  selection.sender = std::move(*sender);
  selection.recipient = std::move(*recipient);
  selection.destination = std::move(*destination);
  selection.reason = std::move(*reason);
  const auto attempts = read_number(options, "attempts", selection.attempts);
  if (!attempts) return Mistake(attempts.error());
  const auto limit = read_number(options, "limit", selection.limit);
  if (!limit) return Mistake(limit.error());
  const auto state = read(options, "state", parse_state);
  const auto older = read(options, "older_than", parse_span);
  const auto younger = read(options, "younger_than", parse_span);
  const auto larger = read(options, "larger_than", parse_size);
  if (!state) return Mistake(state.error());
  if (!older) return Mistake(older.error());
  if (!younger) return Mistake(younger.error());
  if (!larger) return Mistake(larger.error());
  selection.state = *state;
  if (*older) selection.arrived_before = now - **older;
  if (*younger) selection.arrived_after = now - **younger;
  if (*larger) selection.larger_than = (*larger)->octets;
  return selection;
}

std::expected<void, std::string> read_options(const Json& options, WallTime now, Request& request) {
  auto selection = selection_of(options, now);
  if (!selection) return Mistake(selection.error());
  request.selection = std::move(*selection);
  if (options.contains("limit")) request.limit = request.selection.limit;
  const auto key = read(options, "by", parse_key);
  if (!key) return Mistake(key.error());
  request.key = key->value_or(request.key);
  const auto give_up = give_up_of(options, now);
  if (!give_up) return Mistake(give_up.error());
  request.give_up = *give_up;
  const auto offset = read_number(options, "offset", request.offset);
  if (!offset) return Mistake(offset.error());
  request.text = options.value("text", "");
  request.stop = options.value("stop", false);
  return {};
}

}  // namespace

std::expected<Request, std::string> read_request(const std::string& line, WallTime now) {
  const Json parsed = Json::parse(line, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("words") || !parsed["words"].is_array())
    return Mistake("a request is one line of JSON: {\"words\": [\"status\"]}");
  Request request;
  for (const Json& word : parsed["words"])
    if (word.is_string()) request.words.push_back(word.get<std::string>());
  if (request.words.empty()) return Mistake("no command");
  try {
    if (auto good = read_options(parsed.value("options", Json::object()), now, request); !good)
      return Mistake(good.error());
  } catch (const nlohmann::json::exception&) {
    return Mistake("an option has a value of the wrong type");
  }
  return request;
}

}  // namespace postrider::control
