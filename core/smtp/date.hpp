// SPDX-License-Identifier: MIT
// The date of header fields (RFC 5322 section 3.3), always in UTC.
#pragma once

#include <string>

#include <postrider/time.hpp>

namespace postrider::smtp {

/// "Sat, 21 Nov 2026 05:08:46 +0000". Years outside 1900 to 9999 become the nearest of these.
std::string date(WallTime at);

}  // namespace postrider::smtp
