// SPDX-License-Identifier: MIT
#include "control/control_client.hpp"

#include <cerrno>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace postrider::control {

namespace {

/// A connected socket, closed with its owner.
class Socket {
 public:
  Socket() : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  bool connect(const std::string& path) const {
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path.size() >= sizeof address.sun_path) {
      errno = ENAMETOOLONG;
      return false;
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  bool send(const std::string& text) const {
    for (std::size_t sent = 0; sent < text.size();) {
      const ssize_t count =
          ::send(descriptor_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) return false;
      sent += static_cast<std::size_t>(count);
    }
    return true;
  }
  std::string receive_line() const {
    std::string line;
    char chunk[16384];
    while (!line.ends_with('\n')) {
      const ssize_t count = ::recv(descriptor_, chunk, sizeof chunk, 0);
      if (count <= 0) break;
      line.append(chunk, static_cast<std::size_t>(count));
    }
    return line;
  }

 private:
  int descriptor_;
};

}  // namespace

std::expected<Json, std::string> ask(const std::string& socket_path, const Json& request) {
  const Socket socket;
  if (!socket.connect(socket_path))
    return std::unexpected("no daemon answers on " + socket_path + ": " + std::strerror(errno) +
                           "; is postriderd running, and is --control its server.control?");
  if (!socket.send(request.dump() + "\n"))
    return std::unexpected(std::string("the daemon went away: ") + std::strerror(errno));
  const std::string line = socket.receive_line();
  if (!line.ends_with('\n')) return std::unexpected("the daemon ended before it answered");
  Json answer = Json::parse(line, nullptr, false);
  if (answer.is_discarded()) return std::unexpected("the daemon's answer made no sense");
  return answer;
}

}  // namespace postrider::control
