// SPDX-License-Identifier: MIT
// A whole report: multipart/report with its three parts (RFC 6522 section 3). Unless it goes to an
// address with UTF-8, every octet of it is ASCII and every line short, so any next hop takes it.
#pragma once

#include <functional>
#include <string>

#include "original.hpp"
#include "situation.hpp"

namespace postrider::ndr {

/// A fresh boundary at each call.
using NewBoundary = std::function<std::string()>;

/// Header and body, CRLF lines. Asks for boundaries until one is in no part.
std::string write_report(const Situation& situation, Original original,
                         const NewBoundary& new_boundary);

}  // namespace postrider::ndr
