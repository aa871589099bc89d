// SPDX-License-Identifier: MIT
#include "support/scenario_peer.hpp"

#include <algorithm>

#include <postrider/path.hpp>

#include "support/sim_text.hpp"

namespace postrider::sim {

using runtime::SimFault;

/// One connection.
struct ScenarioPeer::Dialog {
  runtime::StreamPtr stream;
  std::string in;
  bool silent = false;  // reads on, answers nothing more
  Message message;
};

namespace {

Task<bool> read_until(runtime::ByteStream& stream, std::string& in, std::string_view end) {
  while (!in.contains(end))
    if (const auto read = co_await stream.read(in); !read) co_return false;
  co_return true;
}

std::string cut(std::string& in, std::string_view end) {
  std::string text = in.substr(0, in.find(end));
  in.erase(0, text.size() + end.size());
  return text;
}

}  // namespace

ScenarioPeer::ScenarioPeer(runtime::SimWorld& world, runtime::Runtime& loop, IpAddress address)
    : world_(world), loop_(loop), address_{address, 25}, tasks_(loop) {}

void ScenarioPeer::behave(const std::vector<std::string>& sentences) {
  rules_.clear();
  spent_.clear();
  offers_ = {"8BITMIME", "SMTPUTF8", "PIPELINING", "ENHANCEDSTATUSCODES"};
  acceptor_.reset();
  world_.set_fault(address_, SimFault{});
  listen();
  for (const std::string& sentence : sentences) follow(sentence);
}

void ScenarioPeer::follow(std::string_view sentence) {
  if (sentence == "accepts") return;
  if (sentence == "refuses connections")
    return world_.set_fault(address_, {.kind = SimFault::Kind::refused});
  if (sentence == "is unreachable")
    return world_.set_fault(address_, {.kind = SimFault::Kind::unreachable});
  if (sentence == "swallows connections")
    return world_.set_fault(address_, {.kind = SimFault::Kind::black_hole});
  PeerRule rule;
  std::string_view rest = sentence;
  SimFault fault;
  if (take_word(rest, "takes")) {
    fault.octets_per_second = number_of(next_word(rest));
    return world_.set_fault(address_, fault);
  }
  if (take_word(rest, "breaks after")) {
    fault.reset_after = number_of(next_word(rest));
    return world_.set_fault(address_, fault);
  }
  if (take_word(rest, "hears and speaks in pieces of")) {
    fault.largest_segment = number_of(rest);
    return world_.set_fault(address_, fault);
  }
  if (take_word(rest, "does not offer")) {
    std::erase(offers_, rest);
    return;
  }
  rule.once = take_word(rest, "once");
  if (!take_word(rest, "at")) throw Mismatch("a peer does not \"" + std::string(sentence) + "\"");
  rule.at = next_word(rest);
  if (rest.starts_with('<')) rule.about = next_word(rest);
  if (take_word(rest, "replies")) {
    rule.reply = unescape(rest);
  } else if (rest == "stays silent") {
    rule.does = PeerRule::Does::stays_silent;
  } else if (rest == "drops") {
    rule.does = PeerRule::Does::drops;
  } else {
    throw Mismatch("a peer does not \"" + std::string(sentence) + "\"");
  }
  rules_.push_back(std::move(rule));
}

void ScenarioPeer::listen() {
  auto acceptor = loop_.listen(address_, [this](runtime::StreamPtr stream) {
    calls_.push_back(world_.now());
    tasks_.spawn(serve(*this, std::move(stream)));
  });
  if (!acceptor) throw Mismatch("a peer cannot listen on " + address_.text());
  acceptor_ = std::move(*acceptor);
}

Task<void> ScenarioPeer::serve(ScenarioPeer& peer, runtime::StreamPtr stream) {
  Dialog dialog{std::move(stream), {}, false, {}};
  if (!co_await answer(peer, dialog, "GREETING", "")) co_return;
  while (co_await read_until(*dialog.stream, dialog.in, "\r\n")) {
    const std::string line = cut(dialog.in, "\r\n");
    const std::string verb = line.substr(0, line.find(' '));
    const bool goes_on = co_await answer(peer, dialog, verb, line);
    if (!goes_on || verb == "QUIT") co_return;
  }
}

/// Says what the rules want, or the usual; false when the connection is to end.
Task<bool> ScenarioPeer::answer(ScenarioPeer& peer, Dialog& dialog, std::string at,
                                std::string line) {
  if (dialog.silent) co_return true;
  const PeerRule* const rule = peer.rule_for(at, line);
  std::string reply = rule ? rule->reply : peer.usual_reply(dialog, at);
  if (rule && rule->does == PeerRule::Does::drops) co_return false;
  if (rule && rule->does == PeerRule::Does::stays_silent) {
    dialog.silent = true;
    co_return true;
  }
  if (reply.starts_with('2')) peer.accepted(dialog, at, line);
  reply += "\r\n";
  if (const auto sent = co_await dialog.stream->write(reply); !sent) co_return false;
  if (reply.starts_with("421")) co_return false;
  if (at == "DATA" && reply.starts_with("354")) co_return co_await take_content(peer, dialog);
  co_return true;
}

Task<bool> ScenarioPeer::take_content(ScenarioPeer& peer, Dialog& dialog) {
  dialog.in.insert(0, "\r\n");  // that a lone dot ends it
  if (!co_await read_until(*dialog.stream, dialog.in, "\r\n.\r\n")) co_return false;
  dialog.message.content = cut(dialog.in, "\r\n.\r\n").erase(0, 2);
  co_return co_await answer(peer, dialog, "END", "");
}

std::string ScenarioPeer::usual_reply(Dialog& dialog, const std::string& at) const {
  if (at == "GREETING") return "220 peer.example ESMTP";
  if (at == "EHLO") {
    std::string reply;
    for (const std::string& keyword : offers_) reply += "250-" + keyword + "\r\n";
    return "250-peer.example\r\n" + reply + "250 HELP";
  }
  if (at == "DATA")
    return dialog.message.recipients.empty() ? "554 5.5.1 no valid recipients" : "354 go ahead";
  if (at == "RCPT" && dialog.message.sender.empty()) return "503 5.5.1 MAIL first";
  if (at == "QUIT") return "221 2.0.0 bye";
  return "250 2.0.0 fine";
}

void ScenarioPeer::accepted(Dialog& dialog, const std::string& at, const std::string& line) {
  Message& message = dialog.message;
  if (at == "MAIL") message = {line.substr(line.find(':') + 1), {}, {}};
  if (at == "RSET") message = {};
  if (at == "RCPT")
    message.recipients += (message.recipients.empty() ? "" : " ") + line.substr(line.find(':') + 1);
  if (at == "END") messages_.push_back(std::exchange(message, {}));
}

const PeerRule* ScenarioPeer::rule_for(const std::string& at, const std::string& line) {
  const auto fits = [&](const PeerRule& rule) {
    return rule.at == at && line.contains(rule.about);
  };
  const auto found = std::ranges::find_if(rules_, fits);
  if (found == rules_.end()) return nullptr;
  if (!found->once) return &*found;
  spent_ = {std::move(*found)};
  rules_.erase(found);
  return &spent_.front();
}

}  // namespace postrider::sim
