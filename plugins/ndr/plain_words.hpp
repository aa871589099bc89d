// SPDX-License-Identifier: MIT
// The first part of a report: what happened, for people who know nothing of mail systems.
#pragma once

#include <string>

#include "original.hpp"
#include "situation.hpp"

namespace postrider::ndr {

/// The sentence that begins a report of this action.
std::string_view opening(Action action) noexcept;

/// The subject of the report.
std::string_view subject(Action action) noexcept;

/// CRLF lines of at most 76 octets; ASCII unless the situation is global.
std::string plain_words(const Situation& situation, const Original& original);

}  // namespace postrider::ndr
