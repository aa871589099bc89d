// SPDX-License-Identifier: MIT
// A next hop that answers as the test says: by verb, one prepared answer after the other, and the
// usual one when none is prepared.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/runtime.hpp"
#include "runtime/task_set.hpp"

namespace postrider::deliver::testing {

inline const std::string kClose = "<close>";    ///< send what is before it, then close
inline const std::string kStop = "<stop>";      ///< send what is before it, then read nothing more
inline const std::string kSilent = "<silent>";  ///< never answer again
inline const std::string kUsual;                ///< the usual answer

class Peer {
 public:
  Peer(runtime::Runtime& loop, const std::string& address, std::uint16_t port = 25)
      : loop_(loop), tasks_(loop) {
    acceptor_ = *loop.listen({*IpAddress::parse(address), port}, [this](runtime::StreamPtr stream) {
      ++connections;
      tasks_.spawn(serve(*this, std::move(stream)));
    });
  }

  /// Prepare answers for a verb ("MAIL", ...), or for GREETING and DOT. Without CRLF.
  void answer(const std::string& verb, std::deque<std::string> answers) {
    answers_[verb] = std::move(answers);
  }
  /// The same answer each time.
  void always(const std::string& verb, std::string text) { always_[verb] = std::move(text); }

  std::vector<std::string> extensions{"PIPELINING", "SIZE 1000000", "8BITMIME", "SMTPUTF8",
                                      "ENHANCEDSTATUSCODES"};
  std::vector<std::string> lines;     ///< commands, as they came
  std::vector<std::string> contents;  ///< raw, with stuffing and the end
  std::vector<std::string> chunks;    ///< the client's writes
  int connections = 0;
  int open = 0;      ///< connections that have not ended
  Duration delay{};  ///< before each answer

 private:
  struct Open {
    explicit Open(int& of) : count(of) { ++count; }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;
    ~Open() { --count; }
    int& count;
  };
  static std::string usual(const Peer& peer, const std::string& verb) {
    if (verb == "GREETING") return "220 peer.example ESMTP";
    if (verb == "DATA") return "354 go ahead";
    if (verb == "QUIT") return "221 2.0.0 bye" + kClose;
    if (verb != "EHLO") return "250 2.0.0 ok";
    std::string text = "250-peer.example";
    for (const auto& extension : peer.extensions) text += "\r\n250-" + extension;
    return text + "\r\n250 HELP";
  }
  std::string next_answer(const std::string& verb) {
    auto& prepared = answers_[verb];
    std::string text;
    if (!prepared.empty()) {
      text = prepared.front();
      prepared.pop_front();
    }
    if (text.empty() && always_.contains(verb)) text = always_[verb];
    return text.empty() ? usual(*this, verb) : text;
  }
  /// What arrives at one moment was one write: the parts of a write travel as segments.
  void note_chunk(std::string chunk) {
    const bool same = !chunks.empty() && loop_.now() == last_read_;
    if (same)
      chunks.back() += chunk;
    else
      chunks.push_back(std::move(chunk));
    last_read_ = loop_.now();
  }
  struct Dialog {
    std::string out;
    bool close = false;
    bool silent = false;
    bool stop = false;
    bool in_data = false;
  };
  void reply(Dialog& dialog, const std::string& verb) {
    if (dialog.close || dialog.silent) return;
    std::string text = next_answer(verb);
    if (verb == "DATA") dialog.in_data = text.starts_with("3");
    if (text == kSilent) {
      dialog.silent = true;
      return;
    }
    if (text.ends_with(kStop)) {
      dialog.stop = true;
      text.resize(text.size() - kStop.size());
    }
    if (text.ends_with(kClose)) {
      dialog.close = true;
      text.resize(text.size() - kClose.size());
      if (text.empty()) return;
    }
    dialog.out += text + "\r\n";
  }
  /// Take one command or one content from `in`; false when more is needed.
  bool step(Dialog& dialog, std::string& in) {
    if (dialog.in_data) {
      const auto end = in.starts_with(".\r\n") ? 0 : in.find("\r\n.\r\n");
      if (end == in.npos) return false;
      const auto length = end + (in.starts_with(".\r\n") ? 3 : 5);
      contents.push_back(in.substr(0, length));
      in.erase(0, length);
      dialog.in_data = false;
      reply(dialog, "DOT");
      return true;
    }
    const auto end = in.find("\r\n");
    if (end == in.npos) return false;
    const std::string line = in.substr(0, end);
    in.erase(0, end + 2);
    lines.push_back(line);
    reply(dialog, line.substr(0, 4));
    return true;
  }
  static Task<void> serve(Peer& peer, runtime::StreamPtr stream) {
    const Open counted(peer.open);
    Dialog dialog;
    std::string in;
    peer.reply(dialog, "GREETING");
    for (;;) {
      if (!dialog.out.empty()) {
        if (peer.delay > Duration{}) co_await sleep_for(peer.loop_, peer.delay);
        const auto sent = co_await stream->write(dialog.out);
        if (!sent) co_return;
        dialog.out.clear();
      }
      if (dialog.stop) co_await sleep_for(peer.loop_, 1h);
      if (dialog.close || dialog.stop) co_return;
      const std::size_t before = in.size();
      const auto got = co_await stream->read(in);
      if (!got) co_return;
      peer.note_chunk(in.substr(before));
      while (!dialog.close && !dialog.stop && peer.step(dialog, in)) {
      }
    }
  }

  std::map<std::string, std::deque<std::string>> answers_;
  std::map<std::string, std::string> always_;
  runtime::Runtime& loop_;
  TimePoint last_read_{};
  runtime::TaskSet tasks_;
  runtime::AcceptorPtr acceptor_;
};

}  // namespace postrider::deliver::testing
