// SPDX-License-Identifier: MIT
#include "support/scenario_mail.hpp"

#include <algorithm>

#include <postrider/quantity.hpp>

#include "support/sim_client.hpp"
#include "support/sim_text.hpp"

namespace postrider::sim {
namespace {

constexpr Duration kPatience = 1min;

/// The last line of the reply to `command`.
std::string ask(SimClient& client, const std::string& command) {
  if (!command.empty()) client.send(command + "\r\n");
  while (const auto line = client.line(kPatience))
    if (line->size() < 4 || (*line)[3] != '-') return *line;
  return "no reply";
}

}  // namespace

Letter read_letter(std::string_view line, const std::vector<std::string>& text) {
  Letter letter;
  letter.text = text;
  std::string* words = nullptr;
  bool recipients = false;
  std::size_t size = 0;
  while (!line.empty()) {
    const std::string word = next_word(line);
    if (word == "from" || word == "expect") {
      words = word == "from" ? &letter.sender : &letter.expected;
      words->clear();
      recipients = false;
    } else if (word == "to") {
      recipients = true;
    } else if (word == "size") {
      size = parse_size(next_word(line)).value().octets;
    } else if (word == "by") {
      letter.client = IpAddress::parse(next_word(line)).value();
    } else if (recipients) {
      letter.recipients.push_back(word);
    } else if (words) {
      *words += (words->empty() ? "" : " ") + word;
    } else {
      throw Mismatch("mail from <a@x> to <b@y> [by ADDRESS] [expect 250]");
    }
  }
  if (letter.sender.empty() || letter.recipients.empty()) throw Mismatch("mail needs from and to");
  if (text.empty()) letter.text = {"Subject: a letter", "", "text"};
  // All lengths of lines, dots in front, dots alone.
  for (std::size_t octets = 0, count = 0; octets < size; ++count) {
    letter.text.push_back(std::string(count % 3, '.') + std::string(count % 71, 'x'));
    octets += letter.text.back().size() + 2;
  }
  return letter;
}

std::string content_of(const Letter& letter) {
  std::string content;
  for (const std::string& line : letter.text) content += unescape(line) + "\r\n";
  return content;
}

std::string stuffed(std::string_view content) {
  std::string out;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = std::min(content.find("\r\n", at), content.size() - 2) + 2;
    if (content[at] == '.') out += '.';
    out += content.substr(at, end - at);
    at = end;
  }
  return out;
}

std::string send_letter(SimServer& server, const Letter& letter) {
  SimClient client(server.world(), server.outside(), server.address(), letter.client);
  std::vector<std::string> commands{"", "EHLO client.example.org", "MAIL FROM:" + letter.sender};
  for (const std::string& recipient : letter.recipients) commands.push_back("RCPT TO:" + recipient);
  commands.emplace_back("DATA");
  for (const std::string& command : commands) {
    std::string reply = ask(client, command);
    if (reply[0] != '2' && reply[0] != '3') return reply;
  }
  std::string reply = ask(client, stuffed(content_of(letter)) + ".");
  (void)ask(client, "QUIT");
  return reply;
}

}  // namespace postrider::sim
