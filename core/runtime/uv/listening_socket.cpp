// SPDX-License-Identifier: MIT
#include "runtime/uv/listening_socket.hpp"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/uv/uv_address.hpp"
#include "runtime/uv/uv_error.hpp"
#include "runtime/uv/uv_runtime.hpp"

namespace postrider::runtime {
namespace {

constexpr int kBacklog = 1024;

int open_socket(int family) noexcept {
  return ::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

bool set_option(int descriptor, int level, int name) noexcept {
  const int on = 1;
  return ::setsockopt(descriptor, level, name, &on, sizeof on) == 0;
}

/// False only for a socket file whose process is gone. A full backlog counts as an answer.
bool is_answered(const sockaddr_un& address) noexcept {
  struct stat status{};
  if (::lstat(address.sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return true;
  const int descriptor = open_socket(AF_UNIX);
  if (descriptor < 0) return true;
  const int code =
      ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const bool refused = code != 0 && errno == ECONNREFUSED;
  ::close(descriptor);
  return !refused;
}

bool bind_local(int descriptor, const sockaddr_un& address) noexcept {
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (::bind(descriptor, generic, sizeof address) == 0) return true;
  if (errno != EADDRINUSE) return false;
  if (is_answered(address)) {
    errno = EADDRINUSE;
    return false;
  }
  return ::unlink(address.sun_path) == 0 && ::bind(descriptor, generic, sizeof address) == 0;
}

}  // namespace

IoResult<ListeningSocket> ListeningSocket::open(const SocketAddress& address) {
  const bool v6 = !address.address.is_v4();
  ListeningSocket made(open_socket(v6 ? AF_INET6 : AF_INET));
  const int descriptor = made.descriptor_;
  if (descriptor < 0) return std::unexpected(system_error());
  const KernelAddress kernel(address);
  const bool listening =
      set_option(descriptor, SOL_SOCKET, SO_REUSEADDR) &&
      set_option(descriptor, SOL_SOCKET, SO_REUSEPORT) &&
      set_option(descriptor, IPPROTO_TCP, TCP_NODELAY) &&  // accepted sockets inherit it
      (!v6 || set_option(descriptor, IPPROTO_IPV6, IPV6_V6ONLY)) &&
      ::bind(descriptor, kernel.get(), kernel.length) == 0 && made.listen();
  if (!listening) return std::unexpected(system_error());
  return made;
}

IoResult<void> check_port(const SocketAddress& address) {
  const bool v6 = !address.address.is_v4();
  const ListeningSocket probe(open_socket(v6 ? AF_INET6 : AF_INET));
  const KernelAddress kernel(address);
  const bool bound = set_option(probe.descriptor(), SOL_SOCKET, SO_REUSEADDR) &&
                     (!v6 || set_option(probe.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY)) &&
                     ::bind(probe.descriptor(), kernel.get(), kernel.length) == 0;
  if (!bound) return std::unexpected(system_error());
  return {};
}

IoResult<ListeningSocket> ListeningSocket::open_local(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path)
    return std::unexpected(uv_error(-ENAMETOOLONG));
  std::memcpy(address.sun_path, path.data(), path.size());
  ListeningSocket made(open_socket(AF_UNIX));
  if (made.descriptor_ < 0) return std::unexpected(system_error());
  // Linux makes the file with the mode the socket has, so it is never open to others.
  const bool listening = ::fchmod(made.descriptor_, S_IRUSR | S_IWUSR) == 0 &&
                         bind_local(made.descriptor_, address) && made.listen();
  if (!listening) return std::unexpected(system_error());
  made.own_file(path);
  return made;
}

ListeningSocket::ListeningSocket(ListeningSocket&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::exchange(other.path_, {})),
      device_(other.device_),
      inode_(other.inode_) {}

ListeningSocket::~ListeningSocket() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (path_.empty()) return;
  struct stat status{};
  const bool ours =
      ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ && status.st_ino == inode_;
  if (ours) ::unlink(path_.c_str());
}

bool ListeningSocket::listen() const noexcept {
  return ::listen(descriptor_, kBacklog) == 0;
}

void ListeningSocket::own_file(const std::string& path) noexcept {
  path_ = path;
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

SocketAddress ListeningSocket::address() const noexcept {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  if (::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return from_kernel(storage);
}

int ListeningSocket::accept() const noexcept {
  for (;;) {
    const int descriptor = ::accept4(descriptor_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor >= 0 || (errno != EINTR && errno != ECONNABORTED)) return descriptor;
  }
}

}  // namespace postrider::runtime
