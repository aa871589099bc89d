// SPDX-License-Identifier: MIT
// The second part of a report, for machines: RFC 3464 section 2, with the addresses of RFC 6533.
#pragma once

#include <string>

#include "situation.hpp"

namespace postrider::ndr {

/// The fields of the message, an empty line, then those of each recipient, each block followed by
/// an empty line. UTF-8 only if `situation.utf8`; otherwise addresses have the ASCII form of RFC
/// 6533 section 3.
std::string status_fields(const Situation& situation);

/// "rfc822; a@example" or "utf-8; ..." (RFC 3464 section 2.1.2, RFC 6533 section 3).
std::string typed_address(const Path& path, bool utf8);

/// ORCPT as the client gave it, decoded (RFC 3461 section 6.3); "" if there is none.
std::string original_recipient(const std::string& orcpt, bool utf8);

}  // namespace postrider::ndr
