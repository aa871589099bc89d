// SPDX-License-Identifier: MIT
#include "support/dialog_player.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace postrider::sim {
namespace {

constexpr Duration kPatience = 10s;  // for one line of the server
constexpr Duration kEpilogue = 1s;   // in which nothing more may come

[[noreturn]] void differs(std::string_view expected, std::string_view came) {
  throw Mismatch(fmt::format("expected  {}\n     came  {}", expected, came));
}

}  // namespace

DialogPlayer::DialogPlayer(std::vector<Step> steps) : steps_(std::move(steps)) {}

void DialogPlayer::play() {
  set_up();
  for (const Step& step : steps_) {
    line_ = step.line;
    if (!is_setting(step)) perform(step);
  }
  send_pending();
  expect_nothing_more();
}

void DialogPlayer::set_up() {
  for (const Step& step : steps_) {
    line_ = step.line;
    std::string_view rest = step.text;
    if (take_word(rest, "client"))
      address_ = IpAddress::parse(rest).value();
    else if (rest == "config")
      config_ = step.block;
    else if (rest == "zone")
      zone_ = step.block;
    else if (!step.block.empty())
      throw Mismatch("only config and zone have indented lines");
  }
  server_ = std::make_unique<SimServer>(config_, zone_);
}

bool DialogPlayer::is_setting(const Step& step) {
  std::string_view rest = step.text;
  return rest == "config" || rest == "zone" || take_word(rest, "client");
}

void DialogPlayer::perform(const Step& step) {
  if (perform_dialog(step.text)) return;
  send_pending();
  std::string_view rest = step.text;
  if (take_word(rest, "wait"))
    server_->world().run_for(duration_of(rest));
  else if (take_word(rest, "hang up"))
    client(std::string(rest)).hang_up();
  else if (rest == "drain")
    server_->drain();
  else if (take_word(rest, "mode"))
    set_mode(rest);
  else if (take_word(rest, "queued"))
    expect_queue(rest);
  else if (take_word(rest, "header"))
    expect_header(rest);
  else if (take_word(rest, "body"))
    expect_body(rest);
  else if (take_word(rest, "no log"))
    expect_log(rest, false);
  else if (take_word(rest, "log"))
    expect_log(rest, true);
  else
    throw Mismatch("\"" + step.text + "\" is no step of a dialog");
  note("--", step.text);
}

void DialogPlayer::set_mode(std::string_view name) {
  Orders orders = server_->orders();
  orders.mode = config::parse_mode(name);
  if (!orders.mode) throw Mismatch("no mode " + std::string(name));
  server_->obey(std::move(orders));
}

/// The rest of the line so often.
bool DialogPlayer::repeat(std::string_view rest) {
  for (std::size_t left = number_of(next_word(rest)); left > 0; --left)
    if (!perform_dialog(rest)) return false;
  return true;
}

/// "C: text", "S: pattern", and "C2:", "S2:" for a second connection.
bool DialogPlayer::perform_dialog(std::string_view text) {
  if (take_word(text, "repeat")) return repeat(text);
  const std::size_t colon = text.find(':');
  if (colon == text.npos || colon > 2 || (text[0] != 'C' && text[0] != 'S')) return false;
  const std::string who(text.substr(1, colon - 1));
  if (!who.empty() && (who[0] < '2' || who[0] > '9')) return false;
  std::string_view said = text.substr(colon + 1);
  if (said.starts_with(' ')) said.remove_prefix(1);
  if (text[0] == 'C')
    client_says(who, said);
  else
    server_says(who, said);
  return true;
}

void DialogPlayer::client_says(const std::string& who, std::string_view text) {
  if (who != speaker_) send_pending();
  speaker_ = who;
  note("C" + who + ":", text);
  pending_ += unescape(text);
  if (!text.ends_with('\\') || text.ends_with("\\\\")) pending_ += "\r\n";
}

void DialogPlayer::server_says(const std::string& who, std::string_view pattern) {
  send_pending();
  SimClient& from = client(who);
  if (pattern == "closed") {
    if (from.is_closed(kPatience)) return note("S" + who + ":", "closed");
    differs("the end of the connection", from.unread().empty() ? "nothing" : escape(from.unread()));
  }
  const auto came = from.line(kPatience);
  const std::string wanted = unescape(pattern);
  if (!came) differs(pattern, from.is_closed(0ms) ? "the end of the connection" : "nothing");
  note("S" + who + ":", *came);
  if (!matches(pattern, *came) && *came != wanted) differs(pattern, escape(*came));
}

void DialogPlayer::send_pending() {
  if (pending_.empty()) return;
  client(speaker_).send(std::exchange(pending_, {}));
}

void DialogPlayer::expect_nothing_more() {
  server_->world().run_for(kEpilogue);
  for (auto& [who, from] : clients_)
    if (!from->unread().empty()) differs("nothing more", "S" + who + ": " + escape(from->unread()));
}

SimClient& DialogPlayer::client(const std::string& who) {
  auto& there = clients_[who];
  if (!there || there->was_hung_up())
    there = std::make_unique<SimClient>(server_->world(), server_->outside(), server_->address(),
                                        address_);
  return *there;
}

/// "queued 2" messages, or "queued 1 to <a@b> <c@d>": one, with these recipients and no others.
void DialogPlayer::expect_queue(std::string_view rest) {
  const std::size_t count = number_of(next_word(rest));
  const auto messages = server_->messages();
  if (messages.size() != count)
    differs(fmt::format("{} messages in the queue", count), std::to_string(messages.size()));
  if (take_word(rest, "from") && !messages.empty()) {
    const std::string wanted = next_word(rest);
    const std::string came = "<" + messages.back().reverse_path + ">";
    if (came != wanted) differs(wanted, came);
  }
  if (!take_word(rest, "to") || messages.empty()) return;
  std::string recipients;
  for (const queue::RecipientView& recipient : messages.back().recipients)
    recipients += (recipients.empty() ? "<" : " <") + recipient.address + ">";
  if (recipients != rest) differs(rest, recipients);
}

void DialogPlayer::expect_log(std::string_view pattern, bool wanted) {
  const auto lines = server_->log();
  const std::string anywhere = "*" + std::string(pattern) + "*";
  const bool found = std::ranges::any_of(lines, [&](auto& l) { return matches(anywhere, l); });
  if (found == wanted) return;
  differs(fmt::format("{} line of the log with {}", wanted ? "a" : "no", pattern),
          "\n" + joined(lines));
}

std::string DialogPlayer::last_message() {
  const auto messages = server_->messages();
  if (messages.empty()) differs("a message in the queue", "none");
  return server_->content(messages.back().queue_id);
}

/// Some field of the last message, unfolded, matches.
void DialogPlayer::expect_header(std::string_view pattern) {
  const std::string content = last_message();
  std::string header = content.substr(0, content.find("\r\n\r\n"));
  for (std::size_t fold; (fold = header.find("\r\n\t")) != header.npos;)
    header.replace(fold, 3, " ");
  std::string_view rest = header;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find("\r\n"), rest.size());
    if (matches(pattern, rest.substr(0, end))) return;
    rest.remove_prefix(std::min(end + 2, rest.size()));
  }
  differs(pattern, "\n" + header);
}

/// Everything after the header of the last message matches.
void DialogPlayer::expect_body(std::string_view pattern) {
  const std::string content = last_message();
  const std::size_t end = content.find("\r\n\r\n");
  const std::string body = end == content.npos ? "" : escape(content.substr(end + 4));
  if (!matches(pattern, body)) differs(pattern, body);
}

void DialogPlayer::note(std::string_view who, std::string_view text) {
  const auto now = server_->world().now().time_since_epoch();
  transcript_ += fmt::format("{:>9}ms {} {}\n", std::chrono::duration_cast<Duration>(now).count(),
                             who, escape(text));
}

}  // namespace postrider::sim
