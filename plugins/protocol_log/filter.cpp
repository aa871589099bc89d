// SPDX-License-Identifier: MIT
#include "filter.hpp"

#include <algorithm>
#include <array>

#include <postrider/path.hpp>

namespace postrider::protocol_log {
namespace {

constexpr std::size_t kMostNames = 100;  // of each kind, remembered of a conversation

bool add(std::vector<std::string>& names, std::string_view name) {
  std::string lowered = lower(name.substr(0, 255));
  if (lowered.empty() || names.size() >= kMostNames) return false;
  if (std::ranges::find(names, lowered) != names.end()) return false;
  names.push_back(std::move(lowered));
  return true;
}

bool starts_with(std::string_view text, std::string_view word) {
  return text.size() >= word.size() && equal_ignoring_case(text.substr(0, word.size()), word);
}

/// The domain of the next <path> in `text`, which moves on behind it.
std::string_view next_domain(std::string_view& text) {
  const std::size_t begin = text.find('<');
  const std::size_t end = begin == text.npos ? begin : text.find('>', begin);
  if (end == text.npos) {
    text = {};
    return {};
  }
  const std::string_view path = text.substr(begin + 1, end - begin - 1);
  text.remove_prefix(end + 1);
  const std::size_t at = path.rfind('@');
  return at == path.npos ? std::string_view() : path.substr(at + 1);
}

bool matches(const std::vector<std::string>& patterns, const std::vector<std::string>& names) {
  return std::ranges::any_of(patterns, [&](std::string_view pattern) {
    const bool below = pattern.starts_with("*.");
    return std::ranges::any_of(names, [&](std::string_view name) {
      return below ? name.ends_with(pattern.substr(1)) : name == pattern;
    });
  });
}

void append_list(std::string& text, std::string_view key, const std::vector<std::string>& names) {
  if (names.empty()) return;
  text.append(1, ' ').append(key).append(1, '=');
  for (const std::string& name : names) text.append(&name == names.data() ? "" : ",").append(name);
}

}  // namespace

bool Subject::learn(const ProtocolEvent& event) {
  std::string_view text = event.text;
  switch (event.kind) {
    case EventKind::connected:
      return event.side == Side::client && add(hosts, text);
    case EventKind::named:
      return starts_with(text, "iprev=pass ") && add(hosts, text.substr(11));
    case EventKind::attempt:
    case EventKind::unreached: {
      bool is_new = add(senders, next_domain(text));
      while (!text.empty()) is_new = add(recipients, next_domain(text)) || is_new;
      return is_new;
    }
    case EventKind::line_in:
    case EventKind::line_out:
      break;
    default:
      return false;
  }
  if ((event.kind == EventKind::line_in) != (event.side == Side::server)) return false;
  if (starts_with(text, "MAIL FROM:")) return add(senders, next_domain(text));
  if (starts_with(text, "RCPT TO:")) return add(recipients, next_domain(text));
  const bool hello = starts_with(text, "EHLO ") || starts_with(text, "HELO ");
  return hello && event.side == Side::server && add(hosts, text.substr(5));
}

std::expected<Filter, std::string> Filter::parse(std::span<const std::string_view> words) {
  Filter filter;
  for (const std::string_view word : words) {
    const std::size_t equals = std::min(word.find('='), word.size());
    const std::string_view key = word.substr(0, equals);
    const std::string_view value = word.substr(std::min(equals + 1, word.size()));
    if (key == "direction" && (value == "in" || value == "out")) {
      filter.direction = value == "in" ? Direction::in : Direction::out;
    } else if (key == "network") {
      const auto network = Network::parse(value);
      if (!network)
        return std::unexpected("network=" + printable(value, 80) + ": " + network.error());
      filter.networks.push_back(*network);
    } else if (key == "host") {
      filter.hosts.push_back(lower(value));
    } else if (key == "sender") {
      filter.senders.push_back(lower(value));
    } else if (key == "recipient") {
      filter.recipients.push_back(lower(value));
    } else {
      return std::unexpected("no filter \"" + printable(word, 80) +
                             "\"; direction=in, direction=out, network=, host=, sender=, "
                             "recipient=");
    }
  }
  return filter;
}

Wanted Filter::judge(const Subject& subject) const {
  if (direction != Direction::both &&
      (direction == Direction::in) != (subject.side == Side::server))
    return Wanted::no;
  const auto holds = [&](const Network& network) { return network.contains(subject.remote); };
  if (!networks.empty() && std::ranges::none_of(networks, holds)) return Wanted::no;
  const bool named = (hosts.empty() || matches(hosts, subject.hosts)) &&
                     (senders.empty() || matches(senders, subject.senders)) &&
                     (recipients.empty() || matches(recipients, subject.recipients));
  return named ? Wanted::yes : Wanted::unknown;
}

std::string Filter::text() const {
  static constexpr std::array<std::string_view, 3> kDirections{"both", "in", "out"};
  std::string text = "direction=";
  text += kDirections[static_cast<std::size_t>(direction)];
  std::vector<std::string> list;
  for (const Network& network : networks) list.push_back(network.text());
  if (list.empty()) list.emplace_back("all");
  append_list(text, "networks", list);
  append_list(text, "hosts", hosts);
  append_list(text, "senders", senders);
  append_list(text, "recipients", recipients);
  return text;
}

}  // namespace postrider::protocol_log
