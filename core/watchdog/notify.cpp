// SPDX-License-Identifier: MIT
#include "watchdog/notify.hpp"

#include <cstddef>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace postrider::watchdog {

void notify(std::string_view state) noexcept {
  const char* const address = std::getenv("NOTIFY_SOCKET");
  if (!address || std::strlen(address) >= sizeof(sockaddr_un::sun_path)) return;
  sockaddr_un target{.sun_family = AF_UNIX, .sun_path = {}};
  std::strcpy(target.sun_path, address);
  if (target.sun_path[0] == '@') target.sun_path[0] = '\0';
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return;
  ::sendto(descriptor, state.data(), state.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
           reinterpret_cast<const sockaddr*>(&target),
           static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(address)));
  ::close(descriptor);
}

}  // namespace postrider::watchdog
