// SPDX-License-Identifier: MIT
#include "control/send.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <postrider/ip_address.hpp>

#include "smtp/dot_codec.hpp"
#include "smtp/reply_reader.hpp"

namespace postrider::control {

namespace {

std::string with_crlf(std::string_view text) {
  std::string lines;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) lines += '\r';
    lines += text[i];
  }
  if (!lines.ends_with("\r\n")) lines += "\r\n";
  return lines;
}

/// A conversation that stops at the first refusal.
class Conversation {
 public:
  explicit Conversation(const SocketAddress& server)
      : descriptor_(
            ::socket(server.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = 60, .tv_usec = 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    if (!connect(server)) error_ = "cannot connect to " + server.text() + ": " + reason();
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  ~Conversation() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  /// Send `octets` and read one reply, which must have a code of this class.
  void say(std::string_view octets, int klass, std::string_view what) {
    while (error_.empty() && !octets.empty()) {
      const ssize_t count = ::send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (count <= 0)
        error_ = "connection lost: " + reason();
      else
        octets.remove_prefix(static_cast<std::size_t>(count));
    }
    if (!error_.empty()) return;
    reply_ = read_reply();
    if (error_.empty() && reply_.code / 100 != klass)
      error_ = std::string(what) + " was refused: " + reply_.line();
  }
  const std::string& error() const { return error_; }
  std::string last_reply() const { return reply_.line(); }

 private:
  bool connect(const SocketAddress& server) const {
    const auto octets = server.address.octets();
    if (server.address.is_v4()) {
      sockaddr_in to{};
      to.sin_family = AF_INET;
      to.sin_port = htons(server.port);
      std::memcpy(&to.sin_addr, octets.data(), octets.size());
      return ::connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
    }
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(server.port);
    std::memcpy(&to.sin6_addr, octets.data(), octets.size());
    return ::connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  Reply read_reply() {
    while (true) {
      const auto fed = reader_.feed(input_);
      input_.erase(0, fed.consumed);
      if (fed.progress == smtp::ReplyReader::Progress::complete) return reader_.take();
      if (fed.progress == smtp::ReplyReader::Progress::malformed) {
        error_ = "the server's reply makes no sense: " + reader_.error();
        return {};
      }
      char chunk[4096];
      const ssize_t count = ::recv(descriptor_, chunk, sizeof chunk, 0);
      if (count <= 0) {
        error_ = count == 0 ? "the server closed the connection" : "no reply: " + reason();
        return {};
      }
      input_.append(chunk, static_cast<std::size_t>(count));
    }
  }
  static std::string reason() { return std::strerror(errno); }

  int descriptor_;
  smtp::ReplyReader reader_;
  std::string input_;
  std::string error_;
  Reply reply_;
};

}  // namespace

std::expected<std::string, SendError> send(const Sending& sending) {
  const auto server = SocketAddress::parse(sending.server);
  if (!server)
    return std::unexpected(
        SendError{SendFailure::no_address, "--server " + sending.server + ": " + server.error()});
  const std::string content = with_crlf(sending.message);
  const bool eight_bit = std::ranges::any_of(content, [](char c) { return c < 0; });

  Conversation smtp(*server);
  if (!smtp.error().empty())
    return std::unexpected(SendError{SendFailure::unreachable, smtp.error()});
  smtp.say({}, 2, "the connection");
  smtp.say("EHLO localhost\r\n", 2, "EHLO");
  smtp.say("MAIL FROM:<" + sending.from + ">" + (eight_bit ? " BODY=8BITMIME" : "") + "\r\n", 2,
           "the sender");
  for (const std::string& recipient : sending.to)
    smtp.say("RCPT TO:<" + recipient + ">\r\n", 2, "the recipient " + recipient);
  smtp.say("DATA\r\n", 3, "DATA");
  smtp.say(smtp::stuff(content) + ".\r\n", 2, "the message");
  if (!smtp.error().empty()) return std::unexpected(SendError{.text = smtp.error()});
  const std::string accepted = smtp.last_reply();
  smtp.say("QUIT\r\n", 2, "QUIT");
  return accepted;
}

}  // namespace postrider::control
