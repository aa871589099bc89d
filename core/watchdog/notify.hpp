// SPDX-License-Identifier: MIT
// What systemd is told: sd_notify(3) is one datagram to the socket that NOTIFY_SOCKET names; no
// library is needed for it.
#pragma once

#include <string_view>

namespace postrider::watchdog {

/// [any thread] "READY=1", "WATCHDOG=1", "STATUS=..."; nothing happens without NOTIFY_SOCKET.
void notify(std::string_view state) noexcept;

}  // namespace postrider::watchdog
